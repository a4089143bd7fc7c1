-- Comparisons with the source, for the analysts' file: the hourly one of totals, and the nightly proof.
-- Parameters: pack, since, at_most (integer, rows). Grain: one row per comparison, the newest first.
SELECT at AS compared_at, job AS kind,
       CAST(result ->> 'from' AS timestamptz) AS from_minute,
       CAST(result ->> 'to' AS timestamptz) AS until_minute,
       CAST(coalesce(result ->> 'differences', result ->> 'differences_found') AS bigint) AS difference_count,
       CAST(result ->> 'differences_left' AS bigint) AS difference_left_count,
       CAST(result ->> 'rows_without_time' AS bigint) AS without_time_count,
       CAST(result ->> 'files_verified' AS bigint) AS file_verified_count,
       CAST(result ->> 'files_damaged' AS bigint) AS file_damaged_count,
       CAST(round(took_ms) AS bigint) AS took_ms
FROM job_report
WHERE pack = :pack AND job IN ('reconcile', 'prove') AND at >= :since
ORDER BY at DESC
LIMIT :at_most
