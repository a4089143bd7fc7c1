-- Says what became of events: sent, dead, or still pending until their next try. A row that a later lease has changed
-- stays as it is.
-- Parameters: settled (JSON array), now (the outbox's clock).
-- Grain: one row per event that was changed.
UPDATE transfer_events AS event
SET status = settled.status, attempts = settled.attempts, retry_at = settled.retry_at, error = settled.error,
    epoch = settled.epoch, done_at = CASE WHEN settled.status = 'pending' THEN NULL ELSE CAST(:now AS timestamptz) END
FROM json_to_recordset(CAST(:settled AS json)) AS settled (
    event_id bigint, status text, attempts smallint, retry_at timestamptz, error text, epoch bigint
)
WHERE event.event_id = settled.event_id AND event.status = 'pending' AND coalesce(event.epoch, 0) <= settled.epoch
RETURNING event.event_id
