-- Incidents with everything stored about them: for the dashboard's list, the unresolved ones first, of these those of
-- everybody, then by money at risk; or one of them. What is not known may be the most: it comes before every amount,
-- the worst severity first. Filters that are null leave nothing out.
-- Parameters: pack, incident_id (integer; null: all), with_resolved (boolean; where states are named they decide),
--   states (open, acknowledged, resolved, snoozed), severities, rules (text arrays), text (a part of the entity's id
--   or name), at_most (integer, rows).
-- Grain: one row per incident; total says how many there are, also past at_most.
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
        WHERE acted.incident_id = incident.incident_id AND act = 'label'
        ORDER BY act_id DESC
        LIMIT 1
    ) AS label,
    count(*) OVER () AS total
FROM incident
WHERE pack = :pack
  AND (CAST(:incident_id AS bigint) IS NULL OR incident_id = CAST(:incident_id AS bigint))
  AND CASE
      WHEN CAST(:states AS text[]) IS NULL THEN status <> 'resolved' OR :with_resolved
      ELSE status = ANY(:states) OR (snooze IS NOT NULL AND 'snoozed' = ANY(:states))
  END
  AND (CAST(:severities AS text[]) IS NULL OR severity = ANY(:severities))
  AND (CAST(:rules AS text[]) IS NULL OR rule = ANY(:rules))
  AND (
      CAST(:text AS text) IS NULL
      OR strpos(lower(entity_id), lower(:text)) > 0
      OR strpos(lower(entity_name), lower(:text)) > 0
  )
ORDER BY (status = 'resolved'), (entity_id <> '*' OR status = 'resolved'), at_risk DESC NULLS FIRST,
         array_position(ARRAY['critical', 'high', 'medium'], severity), opened_minute DESC, incident_id DESC
LIMIT :at_most
