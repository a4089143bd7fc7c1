-- Keep what a version would have done, as long as nobody has approved it.
-- Parameters: rule, version, backtest (jsonb), backtest_sha256, waiting (boolean: only while it is still asked for, so that
-- what somebody measured otherwise meanwhile stays). Grain: one row, none where nothing was kept.
UPDATE transfers.rule_version
SET backtest = CAST(:backtest AS jsonb), backtest_sha256 = :backtest_sha256, backtest_asked = NULL
WHERE rule = :rule AND version = :version AND status IN ('draft', 'submitted', 'shadow')
  AND (NOT :waiting OR backtest_asked IS NOT NULL)
RETURNING version
