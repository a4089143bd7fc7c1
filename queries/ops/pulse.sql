-- Is the pipeline alive and on time?
-- Parameters: none. Grain: one row; lag is null before the first publication.
SELECT
    leader.holder,
    now() - leader.heartbeat_at                     AS heartbeat_age,
    now() - (SELECT next_minute FROM watermark)     AS lag
FROM leader
