-- How long jobs took in the last hour and day, and what each of them last found.
-- Parameters: pack, jobs (text array).
-- Grain: one row per job of the list that was ever reported; milliseconds.
SELECT job, newest.at, newest.took_ms, newest.result, times_hour, median_ms_hour, p95_ms_hour, times_day, median_ms_day,
       p95_ms_day
FROM unnest(CAST(:jobs AS text[])) AS job
CROSS JOIN LATERAL (
    SELECT at, took_ms, result
    FROM job_report
    WHERE job_report.pack = :pack AND job_report.job = job.job
    ORDER BY at DESC
    LIMIT 1
) AS newest
CROSS JOIN LATERAL (
    SELECT
        count(*) FILTER (WHERE at > now() - interval '1 hour')                                         AS times_hour,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY took_ms) FILTER (WHERE at > now() - interval '1 hour') AS median_ms_hour,
        percentile_cont(0.95) WITHIN GROUP (ORDER BY took_ms) FILTER (WHERE at > now() - interval '1 hour') AS p95_ms_hour,
        count(*)                                                                                       AS times_day,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY took_ms)                                           AS median_ms_day,
        percentile_cont(0.95) WITHIN GROUP (ORDER BY took_ms)                                          AS p95_ms_day
    FROM job_report
    WHERE job_report.pack = :pack AND job_report.job = job.job AND at > now() - interval '1 day'
) AS lately
