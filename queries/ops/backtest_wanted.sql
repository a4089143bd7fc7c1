-- The oldest version that somebody asked about, or that was handed in and is not measured.
-- Parameters: pack. Grain: one row at most.
SELECT version, numbers
FROM rule_version
WHERE pack = :pack
  AND ((status = 'submitted' AND backtest IS NULL) OR (status IN ('draft', 'submitted') AND backtest_asked_at IS NOT NULL))
ORDER BY version
LIMIT 1
