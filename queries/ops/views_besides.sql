-- How many views an account keeps beside the one of a name. Locks the account, so that two who save at once count both.
-- Parameters: pack, account_id, name. Grain: one row.
SELECT (
    SELECT count(*) FROM saved_view
    WHERE pack = :pack AND saved_view.account_id = account.account_id AND name <> :name
) AS others
FROM account
WHERE account_id = :account_id
FOR UPDATE
