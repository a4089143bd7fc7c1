-- Hand a draft in.
-- Parameters: pack, version, actor, actor_id. Grain: one row, none where it is no draft.
UPDATE rule_version
SET status = 'submitted', submitted_by = :actor, submitted_by_id = :actor_id, submitted_at = now()
WHERE pack = :pack AND version = :version AND status = 'draft'
RETURNING version
