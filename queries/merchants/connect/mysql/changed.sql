-- Minutes that got rows lately; only their totals tell whether we have counted these rows already.
-- Nothing is filtered: a row that is left out now may have been counted before.
-- Parameters: start, the look-back (UTC), by the time rows were written; needs an index. Grain: one row per minute.

SELECT TIMESTAMP '1970-01-01 00:00:00' + INTERVAL minute_number MINUTE AS minute_utc
FROM (
    SELECT DISTINCT TIMESTAMPDIFF(MINUTE, '1970-01-01 00:00:00', {occurred_at}) AS minute_number
    FROM (
{rows}
    ) AS written
    WHERE {occurred_at} >= '1970-01-02 00:00:00' AND {occurred_at} < '2200-01-01 00:00:00'  -- the others: without_time
) AS minutes
ORDER BY minute_number
