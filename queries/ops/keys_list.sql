-- API keys, for people; nothing secret is among it. Parameters: account (of the account, null: all). Grain: one row per key.
SELECT k.api_key_id, k.name, a.name AS account, k.actions, k.created_at, k.expires_at, k.revoked_at, k.last_used_at,
       k.last_origin
FROM api_key AS k
JOIN account AS a USING (account_id)
WHERE a.name = coalesce(:account, a.name)
ORDER BY k.api_key_id
