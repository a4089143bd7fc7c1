-- One incident with its stored reason.
-- Parameters: id. Grain: one row, or none.
SELECT * FROM incident WHERE incident_id = :id
