-- Minutes that got rows from transactions which had not ended at the fence, and the newest of these transactions.
-- A row's system xmin also sees savepoints, whose ids no snapshot lists; comparing them modulo 2^32 survives the
-- wrap of transaction ids (10 days at 5,000 a second).
-- Parameters: $1 look-back (timestamptz, by the time rows were written; needs an index), $2 the fence's xmin
-- modulo 2^32 (bigint). Grain: one row per minute; newest counts transactions after the fence.
SELECT
    date_trunc('minute', occurred_at, 'UTC')                              AS minute,
    max((xmin::text::bigint - $2 + 4294967296) % 4294967296)              AS newest
FROM transactions
WHERE created_at >= $1
  AND (xmin::text::bigint - $2 + 4294967296) % 4294967296 < 2147483648
  AND occurred_at >= '1970-01-02Z' AND occurred_at < '2200-01-01Z'  -- the others: without_time
GROUP BY 1
ORDER BY 1
