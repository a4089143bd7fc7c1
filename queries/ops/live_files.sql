-- The files that are published now.
-- Parameters: pack. Grain: one row per file.
SELECT dataset, path, start_minute, end_minute, rows, bytes, sha256, lower(slots) AS first_slot, upper(slots) AS end_slot
FROM lake_file
WHERE pack = :pack AND retired_at IS NULL
ORDER BY dataset, start_minute, first_slot
