-- Published snapshots of the book of exposure of minutes of a span.
-- Parameters: pack, start, end. Grain: one row per file.
SELECT path
FROM lake_file
WHERE pack = :pack AND retired_at IS NULL AND dataset = 'exposure' AND start_minute >= :start AND start_minute < :end
