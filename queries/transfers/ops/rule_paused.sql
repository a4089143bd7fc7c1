-- Until when an event rule is paused.
-- Parameters: rule, at. Grain: one row at most.
SELECT from_at, until_at, by
FROM transfers.rule_span
WHERE rule = :rule AND mode = 'paused' AND until_at > :at AND until_at > from_at
ORDER BY until_at DESC
LIMIT 1
