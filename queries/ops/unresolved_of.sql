-- The unresolved incident of the same rule and entity as a resolved one.
-- Parameters: pack, id. Grain: one row, or none.
SELECT other.incident_id
FROM incident
JOIN incident AS other USING (pack, rule, entity_id)
WHERE incident.pack = :pack AND incident.incident_id = :id AND other.status <> 'resolved'
