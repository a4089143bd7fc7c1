-- Accounts, for people; nothing secret is among it. Parameters: account (null: all). Grain: one row per account.
SELECT a.account_id, a.name, a.display_name, a.role, a.email, a.os_user, a.slack_user,
       a.password_hash IS NOT NULL AS password, a.totp IS NOT NULL AS totp, a.oidc_subject IS NOT NULL AS company_login,
       a.failures, a.locked_until, a.disabled_at, a.created_at,
       (SELECT max(s.seen_at) FROM session AS s WHERE s.account_id = a.account_id) AS seen_at
FROM account AS a
WHERE a.name = coalesce(:account, a.name)
ORDER BY a.name
