-- Incidents that are open or acknowledged.
-- Parameters: pack. Grain: one row per incident, oldest first.
SELECT * FROM incident_now WHERE pack = :pack AND status <> 'resolved'
ORDER BY incident_id
