-- Whose an incident is: a link to it does not say.
-- Parameters: incident_id (integer).
-- Grain: one row; none where there is no such incident.
SELECT pack
FROM incident
WHERE incident_id = :incident_id
