-- Let a version of the learned score count from a moment on, approved by somebody.
-- Parameters: version, at, actor, actor_id. Grain: none.
UPDATE transfers.learned_model
SET status = 'live', from_at = :at, until_at = NULL, approved_by = :actor, approved_by_id = CAST(:actor_id AS bigint)
WHERE version = :version
