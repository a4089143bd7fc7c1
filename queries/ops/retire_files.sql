-- Take files out of publication; they are deleted after the grace.
-- Parameters: pack, paths (text array). Grain: one row per file.
UPDATE lake_file SET retired_at = now() WHERE pack = :pack AND path = ANY(:paths) AND retired_at IS NULL
RETURNING path
