-- What the minutes of some spans hold, added up from the ledger: the same numbers as the files, at no cost of theirs.
-- Parameters: pack, names (text array, of the sums), firsts, stops (timestamptz arrays of the same length; a stop is not
-- included).
-- Grain: one row per span that has minutes, by its number from 1; sums holds each name, minutes says how many there are.
SELECT
    number,
    max(counted) AS minutes,
    jsonb_object_agg(name, total) AS sums
FROM (
    SELECT span.number, name, count(*) AS counted, sum(CAST(ledger.sums -> name AS numeric)) AS total
    FROM unnest(CAST(:firsts AS timestamptz[]), CAST(:stops AS timestamptz[])) WITH ORDINALITY AS span (first, stop, number)
    JOIN minute_ledger AS ledger
        ON ledger.pack = :pack AND ledger.minute >= span.first AND ledger.minute < span.stop
    CROSS JOIN unnest(CAST(:names AS text[])) AS name
    GROUP BY span.number, name
) AS added
GROUP BY number
ORDER BY number
