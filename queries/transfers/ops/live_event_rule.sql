-- The version of an event rule that is live, whether it is paused or not.
-- Parameters: rule. Grain: one row at most.
SELECT rule, version, content FROM transfers.rule_version WHERE rule = :rule AND status = 'live'
