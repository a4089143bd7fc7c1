-- Say what the process that delivers can reach.
-- Parameters: home_channel, slack, apprise (array of names). Grain: none.
INSERT INTO reach (home_channel, slack, apprise) VALUES (:home_channel, :slack, :apprise)
ON CONFLICT (only_row) DO UPDATE
SET home_channel = excluded.home_channel, slack = excluded.slack, apprise = excluded.apprise, said_at = now()
