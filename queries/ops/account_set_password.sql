-- Another password; whoever has it is locked no longer. Parameters: account_id, password_hash. Grain: none.
UPDATE account SET password_hash = :password_hash, failures = 0, locked_until = NULL WHERE account_id = :account_id
