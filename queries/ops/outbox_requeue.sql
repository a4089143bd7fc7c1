-- Put dead messages back into the queue, one or (outbox_id null) all of them. Whether one may have arrived stays known.
-- Parameters: pack, outbox_id, now.
-- Grain: one row per message put back.
UPDATE outbox
SET status = 'pending',
    attempts = 0,
    next_attempt_at = :now
FROM incident
WHERE outbox.incident_id = incident.incident_id
  AND incident.pack = :pack
  AND outbox.status = 'dead'
  AND (CAST(:outbox_id AS numeric) IS NULL OR outbox_id = :outbox_id)
RETURNING outbox_id
