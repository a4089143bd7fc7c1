-- Which minutes of a span are not published, in order.
-- Parameters: pack, start, end. Grain: one row per minute that is missing.
SELECT minute
  FROM generate_series(
           CAST(:start AS timestamptz), CAST(:end AS timestamptz) - INTERVAL '1 minute', INTERVAL '1 minute'
       ) AS minute
 WHERE NOT EXISTS (
           SELECT FROM minute_ledger AS known WHERE known.pack = :pack AND known.minute = minute.minute
       )
 ORDER BY minute
