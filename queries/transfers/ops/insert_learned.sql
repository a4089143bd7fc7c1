-- Begin a version of the learned score: who asked for it; what was learned follows.
-- Parameters: actor, actor_id. Grain: one row.
INSERT INTO transfers.learned_model (version, model, sha256, features, measured, status, author, author_id)
SELECT coalesce(max(version), 0) + 1, '', '', '{}', '{}', 'draft', :actor, CAST(:actor_id AS bigint)
FROM transfers.learned_model
RETURNING version
