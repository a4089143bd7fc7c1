-- How many payments a business day has, by the ledger of its minutes: the closed ones.
-- Parameters: pack, start, stop (stop excluded). Grain: one row; `payments` is null before any minute is there.
SELECT CAST(sum(rows) AS bigint) AS payments, CAST(sum(CAST(sums ->> 'declined_count' AS bigint)) AS bigint) AS declined,
       CAST(sum(CAST(sums ->> 'reversed_count' AS bigint)) AS bigint) AS reversed, count(*) AS minutes
FROM minute_ledger
WHERE pack = :pack AND minute >= :start AND minute < :stop
