-- An account by its name, to be changed; rows that only name it, as in the audit, need not wait.
-- Parameters: account. Grain: one row, or none.
SELECT account_id, name, display_name, role, email, password_hash, totp, os_user, slack_user, oidc_subject,
       failures, locked_until, disabled_at
FROM account
WHERE name = :account
FOR NO KEY UPDATE
