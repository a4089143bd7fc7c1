-- One version of the learned score, without its trees; no other transaction changes it meanwhile.
-- Parameters: version. Grain: one row, none where there is no such version.
SELECT version, sha256, measured, status, author, author_id
FROM transfers.learned_model
WHERE version = :version
FOR UPDATE
