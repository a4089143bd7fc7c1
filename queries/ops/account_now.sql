-- An account as it stands, kept from changing until the transaction ends.
-- Parameters: account_id. Grain: one row, or none.
SELECT account_id, name, role, disabled_at IS NOT NULL AS disabled
FROM account
WHERE account_id = :account_id
FOR SHARE
