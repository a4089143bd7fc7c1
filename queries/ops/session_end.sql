-- End a session. Parameters: session_id (null: by its token), token_hash, now. Grain: one row, or none.
UPDATE session
SET ended_at = :now
WHERE ended_at IS NULL
  AND (session_id = :session_id OR token_hash = :token_hash)
RETURNING session_id, account_id
