-- The names of all event rules.
-- Parameters: none. Grain: one row per rule.
SELECT rule FROM transfers.rule ORDER BY rule
