-- A new API key. Parameters: secret_hash, account_id, label, actions, now, expires_at. Grain: one row.
INSERT INTO api_key (secret_hash, account_id, name, actions, created_at, expires_at)
VALUES (:secret_hash, :account_id, :label, :actions, :now, :expires_at)
RETURNING api_key_id
