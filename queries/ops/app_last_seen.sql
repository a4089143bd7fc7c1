-- When somebody was last here before this session: in another session of the same account, which may go on beside it.
-- Parameters: session (the number of this one). Grain: one row; null where this is the account's first session.
SELECT max(least(earlier.seen_at, here.created_at)) AS at
FROM session AS here
JOIN session AS earlier USING (account_id)
WHERE here.session_id = :session
  AND earlier.created_at < here.created_at
  AND earlier.session_id <> here.session_id
