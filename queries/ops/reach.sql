-- What the process that delivers can reach.
-- Parameters: none. Grain: one row; none where nothing has ever been delivered here.
SELECT home_channel, slack, apprise FROM reach
