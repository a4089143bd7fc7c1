-- Forget a version of which nothing was learned.
-- Parameters: version. Grain: none.
DELETE FROM transfers.learned_model WHERE version = :version AND model = ''
