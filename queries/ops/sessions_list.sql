-- Sessions that are not over, for people. Parameters: account (of the account, null: all), session_id (null: all), now,
-- idle_since. Grain: one row per session, the newest first.
SELECT s.session_id, a.name, a.account_id, s.way, s.origin, s.created_at, s.seen_at, s.expires_at
FROM session AS s
JOIN account AS a USING (account_id)
WHERE s.ended_at IS NULL
  AND s.expires_at > :now
  AND s.seen_at > :idle_since
  AND a.name = coalesce(:account, a.name)
  AND s.session_id = coalesce(CAST(:session_id AS bigint), s.session_id)
ORDER BY s.session_id DESC
