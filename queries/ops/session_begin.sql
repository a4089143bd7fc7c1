-- A new session. Parameters: token_hash, account_id, way, origin, now, expires_at. Grain: one row.
INSERT INTO session (token_hash, account_id, way, origin, created_at, seen_at, expires_at)
VALUES (:token_hash, :account_id, :way, :origin, :now, :now, :expires_at)
RETURNING session_id
