-- Approved actions of which everybody was told: the company's systems have taken it, or, where no address is set,
-- no message about it waits any more.
-- Parameters: pack. Grain: one row per action.
SELECT action_id, incident_id
FROM action
JOIN action_call USING (action_id)
WHERE pack = :pack AND action.status = 'approved' AND event = 'approved'
  AND (
      action_call.status = 'sent'
      OR (action_call.status = 'nowhere' AND NOT EXISTS (
          SELECT FROM outbox
          WHERE outbox.incident_id = action.incident_id AND outbox.event = 'action'
            AND outbox.created_at >= action.decided_at AND outbox.status IN ('pending', 'sending')
      ))
  )
ORDER BY action_id
