-- Put dead messages back into the queue, one or (outbox_id null) all of them. Whether one may have arrived stays known.
-- Parameters: outbox_id, now.
-- Grain: one row per message put back.
UPDATE outbox
SET status = 'pending',
    attempts = 0,
    next_attempt_at = :now
WHERE status = 'dead'
  AND (CAST(:outbox_id AS bigint) IS NULL OR outbox_id = :outbox_id)
RETURNING outbox_id
