-- Who an operating-system user is, and whether there are accounts at all.
-- Parameters: os_user. Grain: one row; account_id is null where the user has no account that may act.
SELECT (SELECT count(*) FROM account) AS accounts, found.account_id, found.name, found.role
FROM (SELECT 1) AS one
LEFT JOIN account AS found ON found.os_user = :os_user AND found.disabled_at IS NULL
