-- Forget files that have been deleted.
-- Parameters: paths (text array). Grain: one row per file.
DELETE FROM lake_file WHERE path = ANY(:paths) AND retired_at IS NOT NULL
