-- Hours of a period of which more than 1 % was set aside, taken together.
-- Parameters: pack, start (included), end (excluded), least (an hour with fewer set-aside rows is left out).
-- Grain: one row; hours is 0 where there is none.
SELECT
    count(*)                              AS hours,
    min(hour)                             AS first,
    max(hour) + interval '1 hour'         AS last,
    coalesce(sum(rows), 0)::bigint        AS rows,
    coalesce(sum(set_aside), 0)::bigint   AS set_aside
FROM (
    SELECT date_trunc('hour', minute, 'UTC') AS hour, sum(source_rows) AS rows, sum(quarantined) AS set_aside
    FROM minute_ledger
    WHERE pack = :pack AND minute >= :start AND minute < CAST(:end AS timestamptz)
    GROUP BY 1
    HAVING sum(quarantined) * 100 > sum(source_rows) AND sum(quarantined) >= :least
) AS wrong_hours
