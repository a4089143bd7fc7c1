-- How many others could administer: SUPER_ADMINs who are not disabled and have a way to sign in.
-- Parameters: account_id (not that one), role. Grain: one row.
SELECT count(*) AS others
FROM account
WHERE account_id <> :account_id
  AND role = :role
  AND disabled_at IS NULL
  AND (password_hash IS NOT NULL OR oidc_subject IS NOT NULL)
