-- Keep what a version that is not yet approved would have done: whoever asked for it has the answer.
-- Parameters: pack, version, backtest (jsonb), started (boolean: only where it is still being measured, so that what
-- somebody measured otherwise meanwhile stays). Grain: one row, none where it is approved or withdrawn.
UPDATE rule_version
SET backtest = CAST(:backtest AS jsonb), backtest_asked_at = NULL, backtest_started_at = NULL
WHERE pack = :pack AND version = :version AND status IN ('draft', 'submitted')
  AND (NOT :started OR backtest_started_at IS NOT NULL)
RETURNING version
