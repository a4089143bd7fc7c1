-- Accounts that are somebody elsewhere already. Parameters: account_id (not that one), os_user, slack_user, email.
-- Grain: one row per account.
SELECT name
FROM account
WHERE account_id <> :account_id
  AND (os_user = :os_user OR slack_user = :slack_user OR lower(email) = lower(:email))
