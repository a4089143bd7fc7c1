-- Hand a version of the learned score in.
-- Parameters: version. Grain: none.
UPDATE transfers.learned_model SET status = 'submitted' WHERE version = :version
