-- Pauses that end after a minute, oldest first.
-- Parameters: pack, minute. Grain: one row per pause.
SELECT pause_id, rule, reason, from_minute, until_minute, paused_by, paused_at
FROM rule_pause
WHERE pack = :pack AND until_minute > from_minute AND until_minute > :minute
ORDER BY from_minute, rule
