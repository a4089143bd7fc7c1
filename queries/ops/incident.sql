-- One incident as it stands.
-- Parameters: pack, id. Grain: one row, or none.
SELECT * FROM incident_now WHERE pack = :pack AND incident_id = :id
