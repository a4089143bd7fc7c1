-- What asks for a decision: unresolved incidents that nobody snoozed. First those that nobody has taken, of these those
-- of everybody, then by expected loss, or where that is not known by money at risk; what is not known may be the most,
-- so it comes before every amount.
-- Parameters: pack, at_most (integer, rows).
-- Grain: one row per incident; total, untaken, at_risk_in_all and expected_loss_in_all (null: of none it is known) and
-- unpriced are of all of them, also past at_most: of each entity once, of everybody's not at all.
WITH needed AS (
    SELECT *
    FROM incident
    WHERE pack = :pack AND status <> 'resolved' AND snooze IS NULL
),
each AS (
    SELECT DISTINCT ON (entity_id) at_risk, expected_loss
    FROM needed
    WHERE entity_id <> '*'
    ORDER BY entity_id, incident_id DESC
),
together AS (
    SELECT sum(at_risk) AS at_risk_in_all, sum(expected_loss) AS expected_loss_in_all,
           count(*) FILTER (WHERE at_risk IS NULL) AS unpriced
    FROM each
)
SELECT
    incident_id,
    rule,
    entity_id,
    entity_name,
    severity,
    at_risk,
    expected_loss,
    opened_minute,
    coalesce(owner, acknowledged_by) AS taken_by,
    count(*) OVER () AS total,
    count(*) FILTER (WHERE status = 'open' AND owner IS NULL) OVER () AS untaken,
    at_risk_in_all,
    expected_loss_in_all,
    unpriced
FROM needed
CROSS JOIN together
ORDER BY (status = 'open' AND owner IS NULL) DESC, (entity_id <> '*'),
         coalesce(expected_loss, at_risk) DESC NULLS FIRST, at_risk DESC NULLS FIRST,
         array_position(ARRAY['critical', 'high', 'medium'], severity), opened_minute DESC, incident_id DESC
LIMIT :at_most
