-- After a silence: tell that an incident has resolved where people know that it opened, so that no message stands
-- there as open for ever.
-- Parameters: pack, silence_id. Grain: one row per message that is told after all.
UPDATE outbox SET status = 'pending', next_attempt_at = now(), created_at = now()
FROM incident
WHERE outbox.incident_id = incident.incident_id
  AND pack = :pack
  AND incident.status = 'resolved'
  AND silence_id = :silence_id
  AND outbox.status = 'silenced'
  AND event IN ('resolved', 'resolved_by')
  AND NOT EXISTS (
      SELECT FROM outbox AS later
      WHERE later.incident_id = outbox.incident_id
        AND later.destination = outbox.destination
        AND later.outbox_id > outbox.outbox_id
        AND later.event IN ('resolved', 'resolved_by')
  )
  AND EXISTS (
      SELECT FROM outbox AS told
      WHERE told.incident_id = outbox.incident_id
        AND told.destination = outbox.destination
        AND told.status IN ('pending', 'sending', 'sent')
  )
RETURNING outbox_id
