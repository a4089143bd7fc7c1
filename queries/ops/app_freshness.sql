-- How long after their end the minutes of the last hour and day were judged.
-- Parameters: pack.
-- Grain: one row; delays in seconds, null where no minute was judged.
SELECT
    count(*) FILTER (WHERE recent)                                                          AS minutes_hour,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY delay_s) FILTER (WHERE recent)              AS median_s_hour,
    percentile_cont(0.95) WITHIN GROUP (ORDER BY delay_s) FILTER (WHERE recent)             AS p95_s_hour,
    max(delay_s) FILTER (WHERE recent)                                                      AS worst_s_hour,
    count(*)                                                                                AS minutes_day,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY delay_s)                                    AS median_s_day,
    percentile_cont(0.95) WITHIN GROUP (ORDER BY delay_s)                                   AS p95_s_day,
    max(delay_s)                                                                            AS worst_s_day
FROM (
    SELECT
        minute >= now() - interval '1 hour' AS recent,
        extract(epoch FROM judged_at - minute - interval '1 minute')::double precision AS delay_s
    FROM minute_ledger
    WHERE pack = :pack AND judged_at IS NOT NULL AND minute >= now() - interval '1 day'
) AS judged
