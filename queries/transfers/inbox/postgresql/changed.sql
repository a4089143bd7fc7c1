-- Minutes that got payments, or changed ones, from transactions which had not ended at the fence.
-- Parameters: $1 look-back (timestamptz; says nothing here), $2 the fence's xmin modulo 2^32 (bigint); the span between
-- the newest published minute and what is too far ahead, whose rows need no second look: $3 start, $4 end (timestamptz).
-- Grain: one row per minute; newest counts transactions after the fence.
SELECT
    date_bin('1 minute', occurred_at, '1970-01-01Z')                AS minute,
    ((SELECT age($2::bigint::text::xid)) - min(age(xmin)))::bigint  AS newest
FROM transfers.event
WHERE $1::timestamptz IS NOT NULL
  AND (occurred_at < $3 OR occurred_at >= $4)
  AND written >= (
    SELECT (pg_snapshot_xmin(pg_current_snapshot())::text::bigint
        + age((pg_snapshot_xmin(pg_current_snapshot())::text::bigint % 4294967296)::text::xid)
        - age($2::bigint::text::xid))::text::xid8
)
  AND occurred_at >= '1970-01-02Z' AND occurred_at < '2200-01-01Z'  -- the others: without_time
GROUP BY 1
ORDER BY 1
