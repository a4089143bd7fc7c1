-- Minutes that got rows from transactions which had not ended at the fence, and the newest of these transactions.
-- A row's system xmin also sees savepoints, whose ids no snapshot lists. Ages are differences modulo 2^32, so they
-- survive the wrap of transaction ids (10 days at 5,000 a second), and cost half of what a cast to text does.
-- Parameters: $1 look-back (timestamptz, by the time rows were written; needs an index), $2 the fence's xmin
-- modulo 2^32 (bigint); and, where the query wants them, the span between the newest published minute and what
-- is too far ahead, whose rows need no second look: $3 start, $4 end (timestamptz). Without them it costs more.
-- Grain: one row per minute; newest counts transactions after the fence.
SELECT
    date_bin('1 minute', occurred_at, '1970-01-01Z')                AS minute,
    ((SELECT age($2::bigint::text::xid)) - min(age(xmin)))::bigint  AS newest
FROM transfer
WHERE updated_at >= $1
  AND (occurred_at < $3 OR occurred_at >= $4)
  AND age(xmin) <= (SELECT age($2::bigint::text::xid))
  AND occurred_at >= '1970-01-02Z' AND occurred_at < '2200-01-01Z'  -- the others: without_time
GROUP BY 1
ORDER BY 1
