-- Pause a rule from one minute until another.
-- Parameters: pack, rule, reason, from_minute, until_minute, actor, actor_id. Grain: one row.
INSERT INTO rule_pause (pack, rule, reason, from_minute, until_minute, paused_by, paused_by_id)
VALUES (:pack, :rule, :reason, :from_minute, :until_minute, :actor, :actor_id)
RETURNING pause_id
