-- The version that was asked about first and is not measured since.
-- Parameters: none. Grain: one row at most.
SELECT rule, version, content
FROM transfers.rule_version
WHERE backtest_asked IS NOT NULL AND status IN ('draft', 'submitted', 'shadow')
ORDER BY backtest_asked, rule, version
LIMIT 1
