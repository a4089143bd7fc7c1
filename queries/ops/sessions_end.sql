-- End the sessions of an account. Parameters: account_id, but (a session that goes on, or null), now.
-- Grain: one row per session that ended.
UPDATE session
SET ended_at = :now
WHERE account_id = :account_id
  AND ended_at IS NULL
  AND session_id IS DISTINCT FROM CAST(:but AS bigint)
RETURNING session_id
