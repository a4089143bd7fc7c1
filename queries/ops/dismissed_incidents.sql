-- Incidents that a person resolved and whose rule was breached after a minute: they have not been quiet since.
-- Parameters: pack, since (minute), entities (array; null: of all of them). Grain: one row per rule and entity, the one that was resolved last.
SELECT DISTINCT ON (rule, entity_id) *
FROM incident_now
WHERE pack = :pack AND dismissal IS NOT NULL AND breached_minute > :since
  AND (CAST(:entities AS text[]) IS NULL OR entity_id = ANY (CAST(:entities AS text[])))
ORDER BY rule, entity_id, resolved_minute DESC
