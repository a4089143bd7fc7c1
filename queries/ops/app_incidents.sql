-- Incidents with everything stored about them: for the dashboard's list, the unresolved ones first, of these those of
-- everybody, then by expected loss, or where that is not known by money at risk; or one of them. What is not known may be the most: it comes before every amount,
-- the worst severity first. Filters that are null leave nothing out.
-- Parameters: pack, incident_id (integer; null: all), with_resolved (boolean; where states are named they decide),
--   states (open, acknowledged, resolved, snoozed), severities, rules, tiers (text arrays), owner (a name; "": nobody),
--   first, stop (opened from, and before), text (a part of the entity's id or name), at_most and past (integers, rows
--   that are given, and passed over before).
-- Grain: one row per incident; total says how many there are, also past at_most.
WITH found AS (
    SELECT
        incident_id,
        count(*) OVER () AS total,
        CASE WHEN status = 'resolved' THEN 2 WHEN entity_id = '*' THEN 0 ELSE 1 END AS kind,
        array_position(ARRAY['critical', 'high', 'medium'], severity) AS how_bad
    FROM incident
    WHERE pack = :pack
      AND (CAST(:incident_id AS numeric) IS NULL OR incident_id = CAST(:incident_id AS numeric))
      AND (
          status <> 'resolved' OR CAST(:with_resolved AS boolean) OR 'resolved' = ANY(CAST(:states AS text[]))
          OR 'snoozed' = ANY(CAST(:states AS text[]))
      )
      AND (
          CAST(:states AS text[]) IS NULL OR status = ANY(:states)
          OR (snooze IS NOT NULL AND 'snoozed' = ANY(:states))
      )
      AND (CAST(:severities AS text[]) IS NULL OR severity = ANY(:severities))
      AND (CAST(:rules AS text[]) IS NULL OR rule = ANY(:rules))
      AND (CAST(:tiers AS text[]) IS NULL OR tier = ANY(:tiers))
      AND (CAST(:owner AS text) IS NULL OR coalesce(owner, '') = :owner)
      AND (CAST(:first AS timestamptz) IS NULL OR opened_minute >= :first)
      AND (CAST(:stop AS timestamptz) IS NULL OR opened_minute < :stop)
      AND (
          CAST(:text AS text) IS NULL
          OR strpos(lower(entity_id), lower(:text)) > 0
          OR strpos(lower(entity_name), lower(:text)) > 0
      )
    ORDER BY kind, coalesce(expected_loss, at_risk) DESC NULLS FIRST, at_risk DESC NULLS FIRST, how_bad, opened_minute DESC, incident_id DESC
    LIMIT :at_most OFFSET :past
)
SELECT
    incident_id,
    rule,
    entity_id,
    entity_name,
    tier,
    severity,
    status,
    policy,
    times,
    opened_minute,
    last_breach_minute,
    resolved_minute,
    at_risk,
    parts,
    figures,
    reason,
    latest_reason,
    opened_at,
    acknowledged_at,
    acknowledged_by,
    resolved_at,
    owner,
    CAST(snooze ->> 'until' AS timestamptz) AS snoozed_until,
    snooze ->> 'by' AS snoozed_by,
    dismissal ->> 'by' AS resolved_by,
    (
        SELECT given ->> 'label'
        FROM incident_act AS acted
        WHERE acted.incident_id = found.incident_id AND act = 'label'
        ORDER BY act_id DESC
        LIMIT 1
    ) AS label,
    total
FROM found
JOIN incident USING (incident_id)
ORDER BY kind, coalesce(expected_loss, at_risk) DESC NULLS FIRST, at_risk DESC NULLS FIRST, how_bad, opened_minute DESC, incident_id DESC
