-- What a sign-in compares with. Parameters: account. Grain: one row, or none.
SELECT account_id, name, role, password_hash, totp, locked_until, disabled_at
FROM account
WHERE name = :account
