-- Which minutes of a span are published.
-- Parameters: start, end. Grain: one row per published minute.
SELECT minute FROM minute_ledger WHERE minute >= :start AND minute < :end
