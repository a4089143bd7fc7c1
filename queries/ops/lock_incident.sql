-- One incident as it stands, kept from changing until the transaction ends.
-- Parameters: pack, id. Grain: one row, or none.
SELECT * FROM incident_now WHERE pack = :pack AND incident_id = :id FOR UPDATE
