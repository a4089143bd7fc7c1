-- The newest of each kind that minuterisk itself has proposed about each incident that is not resolved.
-- Parameters: pack. Grain: one row per such incident and kind, none without a proposal.
SELECT DISTINCT ON (action.incident_id, kind)
    action.incident_id, action_id, kind, percent, amount, helps_until, action.status
FROM action
JOIN incident ON incident.incident_id = action.incident_id
WHERE action.pack = :pack AND by_machine AND incident.status <> 'resolved'
ORDER BY action.incident_id, kind, action_id DESC
