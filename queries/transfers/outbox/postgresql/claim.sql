-- Locks the next events of an outbox, by the order of their numbers inside each bucket. It goes by the status, never by a
-- largest number that was seen: one that is committed later than its successor is not left behind. An account of which
-- an event waits for its next try waits with it.
-- The accounts that wait are listed once and the rows looked up by key: a long backlog costs no more than a short one.
-- Parameters: buckets (array of numbers), per_bucket, at_most, now (the outbox's clock).
-- Grain: one row per event; the rows stay locked until the transaction ends.
WITH waiting AS MATERIALIZED (
    SELECT account_id FROM transfer_events WHERE status = 'pending' AND retry_at > :now
),
next AS (
    SELECT pending.event_id
    FROM unnest(CAST(:buckets AS smallint[])) AS mine (bucket)
    CROSS JOIN LATERAL (
        SELECT event.event_id FROM transfer_events AS event
        WHERE event.status = 'pending' AND event.bucket = mine.bucket
            AND event.account_id NOT IN (SELECT account_id FROM waiting)
        ORDER BY event.event_id
        LIMIT :per_bucket
    ) AS pending
    ORDER BY pending.event_id
    LIMIT :at_most
)
SELECT event_id, account_id, bucket, payload, attempts, coalesce(epoch, 0) AS epoch
FROM transfer_events
WHERE event_id = ANY (ARRAY(SELECT event_id FROM next)) AND status = 'pending'
ORDER BY event_id
FOR UPDATE
