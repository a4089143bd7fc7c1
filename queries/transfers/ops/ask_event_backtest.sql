-- Somebody wants to know what a version would have done, also one that was measured before.
-- Parameters: rule, version. Grain: one row.
UPDATE transfers.rule_version
SET backtest_asked = coalesce(backtest_asked, now())
WHERE rule = :rule AND version = :version
RETURNING version
