-- Incidents that a person resolved and whose rule was breached after a minute: they have not been quiet since.
-- Parameters: pack, since (minute). Grain: one row per rule and entity, the one that was resolved last.
SELECT DISTINCT ON (rule, entity_id) *
FROM incident_now
WHERE pack = :pack AND dismissal IS NOT NULL AND breached_minute > :since
ORDER BY rule, entity_id, resolved_minute DESC
