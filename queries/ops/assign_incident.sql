-- Give an incident to somebody.
-- Parameters: pack, id, owner. Grain: one row.
UPDATE incident SET owner = :owner WHERE pack = :pack AND incident_id = :id
