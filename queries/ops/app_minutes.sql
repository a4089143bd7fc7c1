-- What the ledger holds of all entities together, minute by minute: each sum of the pack as two lists of one order.
-- Parameters: pack, first and stop (aware times, stop excluded).
-- Grain: one row per sum; minutes are counted from the epoch, and one that was never committed is missing.
SELECT
    sum.key AS name,
    array_agg(CAST(extract(epoch FROM minute) AS bigint) / 60 ORDER BY minute) AS minutes,
    array_agg(CAST(sum.value AS bigint) ORDER BY minute) AS totals
FROM minute_ledger
CROSS JOIN LATERAL jsonb_each_text(sums) AS sum
WHERE pack = :pack AND minute >= :first AND minute < :stop
GROUP BY sum.key
