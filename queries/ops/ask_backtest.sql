-- Somebody wants to know what a version would have done, also one that was measured before.
-- Parameters: pack, version. Grain: one row, none where it is approved or withdrawn.
UPDATE rule_version
SET backtest_asked_at = coalesce(backtest_asked_at, now())
WHERE pack = :pack AND version = :version AND status IN ('draft', 'submitted')
RETURNING version
