-- Actions that time ends: those that help no more and that nobody was told of. What the company's systems have taken
-- is told, also before it is marked so.
-- Parameters: pack. Grain: one row per action.
SELECT action_id, incident_id, status
FROM action
WHERE pack = :pack AND status IN ('proposed', 'approved') AND helps_until <= now()
  AND NOT EXISTS (
      SELECT FROM action_call
      WHERE action_call.action_id = action.action_id AND event = 'approved' AND action_call.status = 'sent'
  )
ORDER BY action_id
