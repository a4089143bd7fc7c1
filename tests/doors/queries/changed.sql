-- Minutes that got rows. Parameters: $1 look-back (timestamptz), $2 the fence's xmin modulo 2^32 (bigint).
-- Grain: one row per minute; newest counts transactions after the fence.
SELECT
    date_trunc('minute', occurred_at, 'UTC')                        AS minute,
    ((SELECT age($2::bigint::text::xid)) - min(age(xmin)))::bigint  AS newest
FROM events
WHERE created_at >= $1 AND age(xmin) <= (SELECT age($2::bigint::text::xid))
GROUP BY 1
ORDER BY 1
