-- An account that may act again, and is locked no longer. Parameters: account_id. Grain: none.
UPDATE account SET disabled_at = NULL, failures = 0, locked_until = NULL WHERE account_id = :account_id
