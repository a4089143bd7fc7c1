-- Another secret of the authenticator, or none. Parameters: account_id, totp (sealed, or null), totp_step (of a code
-- that was given already, or null). Grain: none.
UPDATE account SET totp = :totp, totp_step = :totp_step WHERE account_id = :account_id
