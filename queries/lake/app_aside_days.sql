-- Rows that were set aside, by business day and reason.
-- Parameters: first (aware time), zone_offset_s (seconds that the business time zone is ahead of UTC).
-- Grain: one row per day and reason.
SELECT
    CAST(make_timestamp(epoch_us(minute) + $zone_offset_s::BIGINT * 1000000) AS DATE) AS day,
    reason,
    count(*)::BIGINT AS rows
FROM quarantine
WHERE minute >= $first::TIMESTAMPTZ
GROUP BY ALL
ORDER BY day DESC, rows DESC, reason
