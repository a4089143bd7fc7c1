-- Another secret of the authenticator, or none. Parameters: account_id, totp (sealed, or null). Grain: none.
UPDATE account SET totp = :totp, totp_step = NULL WHERE account_id = :account_id
