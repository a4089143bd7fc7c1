-- What an outbox still holds. A long backlog is not counted to its end: who asks wants to know now, every ten seconds.
-- Parameters: now (the outbox's clock). Grain: one row: events that wait and those that wait for their next try, both
-- counted up to 100,000; and the age of the oldest, which is the first of its bucket.
SELECT
    (SELECT count(*) FROM (SELECT FROM transfer_events WHERE status = 'pending' LIMIT 100000) AS found) AS pending,
    (SELECT count(*) FROM (
        SELECT FROM transfer_events WHERE status = 'pending' AND retry_at > :now LIMIT 100000
    ) AS found) AS waiting,
    CAST(extract(epoch FROM CAST(:now AS timestamptz) - min(oldest.created_at)) AS double precision) AS oldest_s
FROM generate_series(0, 63) AS known (bucket)
CROSS JOIN LATERAL (
    SELECT created_at FROM transfer_events AS event
    WHERE event.status = 'pending' AND event.bucket = CAST(known.bucket AS smallint)
    ORDER BY event_id
    LIMIT 1
) AS oldest
