-- What is being done about the money of incidents, as their messages say it: the newest that is under way or was done.
-- Parameters: ids (array of incident_id). Grain: one row per incident, none without such an action.
SELECT DISTINCT ON (incident_id) incident_id, action_id, kind, percent, amount, helps_until, status
FROM action
WHERE incident_id = ANY(:ids) AND status IN ('proposed', 'approved', 'told', 'confirmed')
ORDER BY incident_id, array_position(ARRAY['told', 'approved', 'proposed', 'confirmed'], status), action_id DESC
