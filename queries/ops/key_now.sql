-- An API key as it stands, with its account. Parameters: api_key_id. Grain: one row, or none.
SELECT k.api_key_id, k.secret_hash, k.actions, k.expires_at, k.revoked_at, a.account_id, a.name, a.role, a.disabled_at
FROM api_key AS k
JOIN account AS a USING (account_id)
WHERE k.api_key_id = :api_key_id
