-- Minutes that got rows from transactions which had not ended at the fence, and the newest of these transactions.
-- Nothing is filtered: a row that is left out now may have been counted before.
-- Parameters: $1 look-back (timestamptz, by the time rows were written; needs an index), $2 the fence's xmin
-- modulo 2^32 (bigint). Grain: one row per minute; newest counts transactions after the fence.

SELECT
    date_trunc('minute', {occurred_at}, 'UTC')        AS minute,
    max(newest)                                     AS newest
FROM (
{rows}
) AS written
WHERE newest < 2147483648
  AND {occurred_at} >= '1970-01-02Z' AND {occurred_at} < '2200-01-01Z'  -- the others: without_time
GROUP BY 1
ORDER BY 1
