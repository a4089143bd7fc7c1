-- One incident as it stands, kept from changing until the transaction ends.
-- Parameters: pack, id. Grain: one row, or none.
SELECT incident_now.*, owner
FROM incident_now
JOIN incident USING (incident_id)
WHERE incident.pack = :pack AND incident_id = :id
FOR UPDATE OF incident
