-- Let live versions of the learned score count no longer from a moment on.
-- Parameters: version (null: all), at. Grain: one row per version.
UPDATE transfers.learned_model
SET status = 'retired', until_at = greatest(from_at, CAST(:at AS timestamptz))
WHERE status = 'live' AND (CAST(:version AS integer) IS NULL OR version = CAST(:version AS integer))
RETURNING version
