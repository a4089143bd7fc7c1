-- When a silence ends: take away what it kept of the end of another one. It is told now, anew.
-- Parameters: pack, silence_id. Grain: none.
DELETE FROM outbox USING incident
WHERE outbox.incident_id = incident.incident_id
  AND pack = :pack
  AND silence_id = :silence_id
  AND event = 'unsilenced'
  AND outbox.status = 'silenced'
