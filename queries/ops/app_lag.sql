-- How long after their end minutes were judged, over time.
-- Parameters: pack, since, step_s (seconds that a row stands for).
-- Grain: one row per step in which a minute was judged; delays in seconds.
SELECT
    date_bin(make_interval(secs => CAST(:step_s AS double precision)), minute, timestamptz '2000-01-01 00:00Z') AS start,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY delay_s) AS median_s,
    max(delay_s)                                         AS worst_s
FROM (
    SELECT minute, extract(epoch FROM judged_at - minute - interval '1 minute')::double precision AS delay_s
    FROM minute_ledger
    WHERE pack = :pack AND judged_at IS NOT NULL AND minute >= :since
) AS judged
GROUP BY 1
ORDER BY 1
