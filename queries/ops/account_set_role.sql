-- Another role. Parameters: account_id, role. Grain: none.
UPDATE account SET role = :role WHERE account_id = :account_id
