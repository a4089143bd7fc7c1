-- Minutes that got rows lately. A view does not show which transaction wrote a row: their totals tell whether
-- these rows have been counted already.
-- Parameters: $1 look-back (timestamptz, by the time rows were written; needs an index), $2 (bigint) the fence's
-- xmin, which says nothing here. Grain: one row per minute.

SELECT DISTINCT date_trunc('minute', {occurred_at}, 'UTC') AS minute
FROM (
{rows}
) AS written
WHERE $2::bigint IS NOT NULL
  AND {occurred_at} >= '1970-01-02Z' AND {occurred_at} < '2200-01-01Z'  -- the others: without_time
ORDER BY 1
