-- Is the pipeline alive and on time?
-- Parameters: pack. Grain: one row, none where the pack has never run; lag is null before the first publication.
SELECT
    leader.holder,
    now() - leader.heartbeat_at                                       AS heartbeat_age,
    now() - (SELECT next_minute FROM watermark WHERE pack = :pack)    AS lag
FROM leader
WHERE leader.scope = :pack
