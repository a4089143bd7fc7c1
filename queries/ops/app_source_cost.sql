-- What the source was asked for each judged minute of the last hour and day, and how long its answers took.
-- Parameters: pack.
-- Grain: one row per query; times and milliseconds are sums, minutes those that were judged meanwhile.
WITH judged AS (
    SELECT at > now() - interval '1 hour' AS recent, result
    FROM job_report
    WHERE pack = :pack AND job = 'minute' AND at > now() - interval '1 day'
),
minutes AS (
    SELECT count(*) FILTER (WHERE recent) AS minutes_hour, count(*) AS minutes_day FROM judged
)
SELECT
    answer.key                                                                                     AS query,
    coalesce(sum((answer.value ->> 'times')::bigint) FILTER (WHERE recent), 0)::bigint             AS times_hour,
    coalesce(sum((answer.value ->> 'ms')::double precision) FILTER (WHERE recent), 0)              AS ms_hour,
    sum((answer.value ->> 'times')::bigint)::bigint                                                AS times_day,
    sum((answer.value ->> 'ms')::double precision)                                                 AS ms_day,
    minutes_hour,
    minutes_day
FROM judged
CROSS JOIN minutes
CROSS JOIN LATERAL jsonb_each(result -> 'source') AS answer (key, value)
GROUP BY answer.key, minutes_hour, minutes_day
ORDER BY ms_day DESC, query
