-- Actions that time ends: those that help no more and that nobody was told of.
-- Parameters: pack. Grain: one row per action.
SELECT action_id, incident_id, status
FROM action
WHERE pack = :pack AND status IN ('proposed', 'approved') AND helps_until <= now()
ORDER BY action_id
