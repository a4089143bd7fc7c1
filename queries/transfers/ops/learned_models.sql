-- Versions of the learned score, the newest first, without their trees.
-- Parameters: none. Grain: one row per version.
SELECT version, sha256, measured, status, author, author_id, approved_by, from_at, until_at, created_at
FROM transfers.learned_model
ORDER BY version DESC
