-- Minutes that got rows from transactions which had not ended at the fence, and the newest of these transactions.
-- Nothing is filtered: a row that is left out now may have been counted before.
-- Parameters: $1 look-back (timestamptz, by the time rows were written; needs an index), $2 the fence's xmin
-- modulo 2^32 (bigint); the span between the newest published minute and what is too far ahead, whose rows need no
-- second look: $3 start, $4 end (timestamptz). Grain: one row per minute; newest counts transactions after the fence.

SELECT
    date_bin('1 minute', {occurred_at}, '1970-01-01Z')                  AS minute,
    ((SELECT age($2::bigint::text::xid)) - min(written_age))::bigint    AS newest
FROM (
{rows}
) AS written
WHERE {occurred_at} >= '1970-01-02Z' AND {occurred_at} < '2200-01-01Z'  -- the others: without_time
GROUP BY 1
ORDER BY 1
