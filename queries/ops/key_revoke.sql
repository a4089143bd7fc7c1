-- An API key that nobody may use any more. Parameters: api_key_id, now. Grain: one row, or none.
UPDATE api_key
SET revoked_at = :now
WHERE api_key_id = :api_key_id
  AND revoked_at IS NULL
RETURNING api_key_id, name
