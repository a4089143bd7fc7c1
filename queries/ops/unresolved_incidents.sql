-- Incidents that are open or acknowledged.
-- Parameters: pack, entities (array; null: of all of them). Grain: one row per incident, oldest first.
SELECT * FROM incident_now WHERE pack = :pack AND status <> 'resolved'
  AND (CAST(:entities AS text[]) IS NULL OR entity_id = ANY (CAST(:entities AS text[])))
ORDER BY incident_id
