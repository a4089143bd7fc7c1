-- An API key was used; not written each time. Parameters: api_key_id, origin, now, before. Grain: none.
UPDATE api_key
SET last_used_at = :now, last_origin = :origin
WHERE api_key_id = :api_key_id
  AND (last_used_at IS NULL OR last_used_at < :before OR last_origin IS DISTINCT FROM :origin)
