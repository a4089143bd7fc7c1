-- A sign-in that was right, unless the account was locked meanwhile or the code's step was used before.
-- Parameters: account_id, totp_step (null: without a code), password_hash (a newer one, or null), now.
-- Grain: one row, or none.
UPDATE account
SET failures = 0,
    locked_until = NULL,
    totp_step = coalesce(CAST(:totp_step AS bigint), totp_step),
    password_hash = coalesce(:password_hash, password_hash)
WHERE account_id = :account_id
  AND disabled_at IS NULL
  AND (locked_until IS NULL OR locked_until <= :now)
  AND (CAST(:totp_step AS bigint) IS NULL OR totp_step IS NULL OR totp_step < :totp_step)
RETURNING account_id, name, role
