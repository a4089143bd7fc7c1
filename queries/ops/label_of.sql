-- The newest label of an incident.
-- Parameters: id. Grain: one row, or none.
SELECT given ->> 'label' AS label, by
FROM incident_act
WHERE incident_id = :id AND act = 'label'
ORDER BY act_id DESC
LIMIT 1
