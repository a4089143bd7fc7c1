-- Incidents with everything stored about them: for the dashboard's list, the unresolved ones first, of these those of
-- everybody, then by money at risk; or one of them. What is not known may be the most: it comes before every amount,
-- the worst severity first.
-- Parameters: pack, incident_id (integer; null: all), with_resolved (boolean), at_most (integer, rows).
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
    count(*) OVER () AS total
FROM incident
WHERE pack = :pack
  AND (CAST(:incident_id AS bigint) IS NULL OR incident_id = CAST(:incident_id AS bigint))
  AND (status <> 'resolved' OR :with_resolved)
ORDER BY (status = 'resolved'), (entity_id <> '*' OR status = 'resolved'), at_risk DESC NULLS FIRST,
         array_position(ARRAY['critical', 'high', 'medium'], severity), opened_minute DESC, incident_id DESC
LIMIT :at_most
