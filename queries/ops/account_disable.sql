-- An account that may no longer act. Parameters: account_id, now. Grain: none.
UPDATE account SET disabled_at = :now WHERE account_id = :account_id
