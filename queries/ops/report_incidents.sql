-- What a report says of incidents: those that lasted at any minute of a span, or one. Those of everybody first, then by
-- expected loss where it is known, else by money at risk; what is not known may be the most.
-- Parameters: pack, start, stop (minutes, stop excluded), incident_id (null: all), at_most (rows).
-- Grain: one row per incident; total, opened and resolved (in the span) count them all, also past at_most.
SELECT incident_id, rule, entity_id, entity_name, tier, severity, status, policy, times, opened_minute,
       last_breach_minute, resolved_minute, at_risk, expected_loss, parts, figures, reason, latest_reason, opened_at,
       (SELECT given ->> 'label' FROM incident_act AS acted WHERE acted.incident_id = incident.incident_id AND act = 'label'
        ORDER BY act_id DESC LIMIT 1) AS label,
       count(*) OVER () AS total,
       count(*) FILTER (WHERE opened_minute >= CAST(:start AS timestamptz)) OVER () AS opened,
       count(*) FILTER (WHERE resolved_minute < CAST(:stop AS timestamptz)) OVER () AS resolved
FROM incident
WHERE pack = :pack
  AND (incident_id = CAST(:incident_id AS bigint)
       OR (CAST(:incident_id AS bigint) IS NULL AND opened_minute < CAST(:stop AS timestamptz)
           AND (resolved_minute IS NULL OR resolved_minute >= CAST(:start AS timestamptz))))
ORDER BY entity_id <> '*', coalesce(expected_loss, at_risk) DESC NULLS FIRST, at_risk DESC NULLS FIRST,
         array_position(ARRAY['critical', 'high', 'medium'], severity), opened_minute DESC, incident_id DESC
LIMIT :at_most
