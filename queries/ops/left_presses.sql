-- Presses that somebody took and did not finish, as a crash leaves them: not settled, or settled and not answered.
-- Parameters: longer_than_s (so long ago they were taken), limit. Grain: one row per press, oldest first.
SELECT key, team, slack_user, installation, pack, act, thing, given, response_url, state,
       extract(epoch FROM now() - taken_at)::double precision AS age_s
FROM press
WHERE (state = 'taken' OR response_url IS NOT NULL) AND taken_at < now() - make_interval(secs => :longer_than_s)
ORDER BY press_id
LIMIT :limit
