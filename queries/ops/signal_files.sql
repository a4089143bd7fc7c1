-- Published files with signals of a span.
-- Parameters: pack, start, end. Grain: one row per file.
SELECT dataset, path, start_minute, end_minute, rows, bytes, sha256, lower(slots) AS first_slot, upper(slots) AS end_slot
FROM lake_file
WHERE pack = :pack AND retired_at IS NULL AND dataset = 'signal' AND start_minute < :end AND end_minute > :start
ORDER BY start_minute, first_slot
