-- Revoke the API keys of an account. Parameters: account_id, now. Grain: one row per key that was revoked.
UPDATE api_key
SET revoked_at = :now
WHERE account_id = :account_id
  AND revoked_at IS NULL
RETURNING api_key_id
