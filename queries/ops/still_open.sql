-- Incidents that a silence has kept from people and that are not resolved.
-- Parameters: pack, silence_id. Grain: one row per incident, those of the top tier first.
SELECT incident_now.*
FROM incident_now
WHERE pack = :pack
  AND status <> 'resolved'
  AND EXISTS (
      SELECT FROM outbox
      WHERE outbox.incident_id = incident_now.incident_id
        AND outbox.silence_id = :silence_id
        AND outbox.status = 'silenced'
  )
ORDER BY tier = 'top' DESC, incident_id
