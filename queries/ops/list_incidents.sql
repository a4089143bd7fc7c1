-- Incidents for a list: unresolved first, of these those of everybody, then the highest expected loss, or where that is
-- not known money at risk, first. What is not known may be the most: it comes before every amount, the worst severity
-- first. Every filter may be null: all.
-- Parameters: pack, with_resolved (boolean; where states are named they decide), entity_id, start, end (opened in
--   this span), severities, states (open, acknowledged, resolved, snoozed), rules (text arrays), owner, limit.
-- Grain: one row per incident.
SELECT incident_id, rule, entity_id, entity_name, tier, severity, status, policy, opened_minute,
       last_breach_minute, resolved_minute, times, at_risk, parts, figures, acknowledged_by, owner,
       CAST(snooze ->> 'until' AS timestamptz) AS snoozed_until
FROM incident
WHERE pack = :pack
  AND CASE
      WHEN CAST(:states AS text[]) IS NULL THEN :with_resolved OR status <> 'resolved'
      ELSE status = ANY(:states) OR (snooze IS NOT NULL AND 'snoozed' = ANY(:states))
  END
  AND (CAST(:entity_id AS text) IS NULL OR entity_id = :entity_id)
  AND (CAST(:start AS timestamptz) IS NULL OR opened_minute >= :start)
  AND (CAST(:end AS timestamptz) IS NULL OR opened_minute < :end)
  AND (CAST(:severities AS text[]) IS NULL OR severity = ANY(:severities))
  AND (CAST(:rules AS text[]) IS NULL OR rule = ANY(:rules))
  AND (CAST(:owner AS text) IS NULL OR owner = :owner)
ORDER BY status = 'resolved', entity_id <> '*' OR status = 'resolved',
         coalesce(expected_loss, at_risk) DESC NULLS FIRST, at_risk DESC NULLS FIRST,
         array_position(ARRAY['critical', 'high', 'medium'], severity), opened_minute DESC, incident_id DESC
LIMIT :limit
