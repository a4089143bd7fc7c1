-- A version is being measured from now on.
-- Parameters: pack, version. Grain: one row, none where it is approved or withdrawn.
UPDATE rule_version
SET backtest_started_at = now()
WHERE pack = :pack AND version = :version AND status IN ('draft', 'submitted')
RETURNING version
