-- How long each step of a minute took in the last hour and day.
-- Parameters: pack.
-- Grain: one row per step, in the order in which a minute takes them; milliseconds, null where none was in the hour.
SELECT
    step.key                                                                                       AS step,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) FILTER (WHERE at > now() - interval '1 hour')  AS median_ms_hour,
    percentile_cont(0.95) WITHIN GROUP (ORDER BY ms) FILTER (WHERE at > now() - interval '1 hour') AS p95_ms_hour,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY ms)                                                AS median_ms_day,
    percentile_cont(0.95) WITHIN GROUP (ORDER BY ms)                                               AS p95_ms_day
FROM job_report
CROSS JOIN LATERAL jsonb_each_text(result -> 'steps_ms') AS step (key, value)
CROSS JOIN LATERAL (SELECT CAST(step.value AS double precision) AS ms) AS took
WHERE pack = :pack AND job = 'minute' AND at > now() - interval '1 day'
GROUP BY step.key
ORDER BY array_position(ARRAY['read', 'extract', 'aggregate', 'judge', 'money', 'settle', 'publish', 'commit', 'project'], step.key), step.key
