-- Which minutes of a span are published.
-- Parameters: pack, start, end. Grain: one row per published minute.
SELECT minute FROM minute_ledger WHERE pack = :pack AND minute >= :start AND minute < :end
