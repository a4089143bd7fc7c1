-- How long messages of the last day took from their commit to their channel, and what waits or could not be told.
-- Parameters: pack.
-- Grain: one row per destination; delays in seconds, null where nothing was delivered.
WITH told AS (
    SELECT outbox_id, destination, outbox.status, created_at, sent_at
    FROM outbox
    JOIN incident USING (incident_id)
    WHERE pack = :pack AND created_at > now() - interval '1 day' AND outbox.status = 'sent'
    UNION ALL
    SELECT outbox_id, destination, outbox.status, created_at, sent_at
    FROM outbox
    JOIN incident USING (incident_id)
    WHERE pack = :pack AND outbox.status IN ('pending', 'sending', 'dead')
)
SELECT
    destination,
    count(*) FILTER (WHERE status = 'sent')                                AS sent,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY delay_s)                   AS median_s,
    percentile_cont(0.95) WITHIN GROUP (ORDER BY delay_s)                  AS p95_s,
    max(delay_s)                                                           AS worst_s,
    count(*) FILTER (WHERE status IN ('pending', 'sending'))               AS waiting,
    min(created_at) FILTER (WHERE status IN ('pending', 'sending'))        AS oldest_waiting_at,
    count(*) FILTER (WHERE status = 'dead')                                AS dead
FROM told
CROSS JOIN LATERAL (SELECT extract(epoch FROM sent_at - created_at)::double precision AS delay_s) AS took
GROUP BY destination
ORDER BY dead DESC, waiting DESC, destination
