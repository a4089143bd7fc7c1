-- Keep a press before Slack is told that it arrived.
-- Parameters: key, team, slack_user, installation, pack, act, thing, given (jsonb), response_url (or null).
-- Grain: one row for a new press, none for one that is kept already.
INSERT INTO press (key, team, slack_user, installation, pack, act, thing, given, response_url)
VALUES (:key, :team, :slack_user, :installation, :pack, :act, :thing, CAST(:given AS jsonb), :response_url)
ON CONFLICT (key) DO NOTHING
RETURNING press_id
