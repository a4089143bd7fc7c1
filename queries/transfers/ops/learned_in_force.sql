-- Which versions of the learned score count for the events of which times.
-- Parameters: since (only those that reach past it). Grain: one row per version, with its trees.
SELECT version, model, features, from_at, until_at
FROM transfers.learned_model
WHERE from_at IS NOT NULL AND (until_at IS NULL OR (until_at > :since AND until_at > from_at))
ORDER BY version
