-- What minuterisk itself has proposed about incidents that are over by now.
-- Parameters: pack. Grain: one row per action.
SELECT action_id, action.incident_id
FROM action
JOIN incident ON incident.incident_id = action.incident_id
WHERE action.pack = :pack AND action.status = 'proposed' AND by_machine AND incident.status = 'resolved'
ORDER BY action_id
