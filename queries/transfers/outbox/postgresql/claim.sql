-- Locks the next events of an outbox, by the order of their numbers inside each bucket. It goes by the status, never by a
-- largest number that was seen: one that is committed later than its successor is not left behind. An account of which
-- an event waits for its next try waits with it.
-- Parameters: buckets (array of numbers), per_bucket, at_most, now (the outbox's clock).
-- Grain: one row per event; the rows stay locked until the transaction ends.
WITH next AS (
    SELECT pending.event_id
    FROM unnest(CAST(:buckets AS smallint[])) AS mine (bucket)
    CROSS JOIN LATERAL (
        SELECT event.event_id FROM transfer_events AS event
        WHERE event.status = 'pending' AND event.bucket = mine.bucket AND NOT EXISTS (
            SELECT FROM transfer_events AS waiting
            WHERE waiting.status = 'pending' AND waiting.account_id = event.account_id AND waiting.retry_at > :now
        )
        ORDER BY event.event_id
        LIMIT :per_bucket
    ) AS pending
    ORDER BY pending.event_id
    LIMIT :at_most
)
SELECT event_id, account_id, bucket, payload, attempts, coalesce(epoch, 0) AS epoch
FROM transfer_events
WHERE event_id IN (SELECT event_id FROM next) AND status = 'pending'
ORDER BY event_id
FOR UPDATE
