-- Incidents that have resolved a short while ago and come back when their rule is breached again.
-- Parameters: pack, since (minute). Grain: one row per rule and entity, the one that resolved last.
SELECT DISTINCT ON (rule, entity_id) *
FROM incident_now
WHERE pack = :pack AND status = 'resolved' AND resolved_minute > :since
ORDER BY rule, entity_id, resolved_minute DESC
