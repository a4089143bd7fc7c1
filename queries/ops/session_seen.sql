-- Somebody did something in a session that is not over. Parameters: token_hash, now, idle_since. Grain: none.
UPDATE session
SET seen_at = :now
WHERE token_hash = :token_hash
  AND ended_at IS NULL
  AND seen_at > :idle_since
  AND seen_at < :now
