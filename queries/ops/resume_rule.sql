-- End pauses of a rule at a minute; one that has not begun by then never does.
-- Parameters: pack, rule, minute, actor. Grain: one row per pause that lasted.
UPDATE rule_pause
SET until_minute = greatest(:minute, from_minute), resumed_by = :actor, resumed_at = now()
WHERE pack = :pack AND rule = :rule AND until_minute > :minute
RETURNING pause_id, from_minute, until_minute
