-- Whose session it is at this moment, and whether there are accounts at all.
-- Parameters: token_hash, now, idle_since. Grain: one row; session_id is null where the session is over or unknown.
SELECT EXISTS (SELECT FROM account) AS accounts, found.session_id, found.account_id, found.name,
       found.display_name, found.role, found.origin
FROM (SELECT 1) AS one
LEFT JOIN (
    SELECT s.session_id, s.origin, a.account_id, a.name, a.display_name, a.role
    FROM session AS s
    JOIN account AS a USING (account_id)
    WHERE s.token_hash = :token_hash
      AND s.ended_at IS NULL
      AND s.expires_at > :now
      AND s.seen_at > :idle_since
      AND a.disabled_at IS NULL
) AS found ON true
