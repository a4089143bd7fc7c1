-- Keep what was learned, and how good it is. What somebody has handed in stays as it is.
-- Parameters: version, model, sha256, features (JSON), measured (JSON). Grain: one row, none where it was handed in.
UPDATE transfers.learned_model
SET model = :model, sha256 = :sha256, features = CAST(:features AS jsonb), measured = CAST(:measured AS jsonb)
WHERE version = :version AND status = 'draft'
RETURNING version
