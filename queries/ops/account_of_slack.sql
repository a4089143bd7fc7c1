-- Who a Slack user is: the account that is linked to them, else the one with their e-mail address that is linked to
-- no other Slack user.
-- Parameters: slack_user (TEAM/USER), email (or null). Grain: one row, or none.
SELECT account_id, name, role
FROM account
WHERE disabled_at IS NULL
  AND (slack_user = :slack_user OR (slack_user IS NULL AND lower(email) = lower(:email)))
ORDER BY slack_user NULLS LAST
LIMIT 1
