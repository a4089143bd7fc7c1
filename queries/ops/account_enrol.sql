-- The first secret of an authenticator, proven by its first code; of an account that has none yet and may sign in.
-- Parameters: account_id, totp (sealed), totp_step, now. Grain: one row, or none.
UPDATE account
SET totp = :totp, totp_step = :totp_step, failures = 0, locked_until = NULL
WHERE account_id = :account_id
  AND totp IS NULL
  AND disabled_at IS NULL
  AND (locked_until IS NULL OR locked_until <= :now)
RETURNING account_id, name, role
