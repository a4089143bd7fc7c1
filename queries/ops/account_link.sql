-- Who an account is elsewhere. Parameters: account_id, os_user, slack_user, email. Grain: none.
UPDATE account
SET os_user = :os_user, slack_user = :slack_user, email = :email
WHERE account_id = :account_id
