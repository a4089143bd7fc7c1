-- What asks for a decision: unresolved incidents that nobody snoozed. First those that nobody has taken, of these those
-- of everybody, then by money at risk; what is not known may be the most, so it comes before every amount.
-- Parameters: pack, at_most (integer, rows).
-- Grain: one row per incident; total, untaken, at_risk_in_all (null: of none it is known) and unpriced are of all of
-- them, also past at_most.
SELECT
    incident_id,
    rule,
    entity_id,
    entity_name,
    severity,
    at_risk,
    opened_minute,
    coalesce(owner, acknowledged_by) AS taken_by,
    count(*) OVER () AS total,
    count(*) FILTER (WHERE status = 'open' AND owner IS NULL) OVER () AS untaken,
    sum(at_risk) FILTER (WHERE entity_id <> '*') OVER () AS at_risk_in_all,
    count(*) FILTER (WHERE at_risk IS NULL AND entity_id <> '*') OVER () AS unpriced
FROM incident
WHERE pack = :pack AND status <> 'resolved' AND snooze IS NULL
ORDER BY (status = 'open' AND owner IS NULL) DESC, (entity_id <> '*'), at_risk DESC NULLS FIRST,
         array_position(ARRAY['critical', 'high', 'medium'], severity), opened_minute DESC, incident_id DESC
LIMIT :at_most
