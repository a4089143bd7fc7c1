-- Keep what a version would have done, as long as nobody has approved it.
-- Parameters: rule, version, backtest (jsonb), backtest_sha256. Grain: one row, none where it judges or is withdrawn by now.
UPDATE transfers.rule_version
SET backtest = CAST(:backtest AS jsonb), backtest_sha256 = :backtest_sha256, backtest_asked = NULL
WHERE rule = :rule AND version = :version AND status IN ('draft', 'submitted', 'shadow')
RETURNING version
