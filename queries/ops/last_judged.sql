-- The newest minute that was judged.
-- Parameters: pack. Grain: one row, null where none was.
SELECT max(minute) AS minute FROM minute_ledger WHERE pack = :pack AND judged_at IS NOT NULL
