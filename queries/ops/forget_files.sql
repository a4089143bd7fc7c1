-- Forget files that have been deleted.
-- Parameters: pack, paths (text array). Grain: one row per file.
DELETE FROM lake_file WHERE pack = :pack AND path = ANY(:paths) AND retired_at IS NOT NULL
