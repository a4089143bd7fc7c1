-- The incidents of one entity, or of all together, newest first.
-- Parameters: pack, entity (text), at_most (integer, rows). Grain: one row per incident.
SELECT
    incident_id,
    rule,
    entity_name AS name,
    tier,
    severity,
    status,
    opened_minute,
    last_breach_minute,
    resolved_minute,
    at_risk,
    expected_loss
FROM incident
WHERE pack = :pack AND entity_id = :entity
ORDER BY opened_minute DESC, incident_id DESC
LIMIT :at_most
