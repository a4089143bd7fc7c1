-- Take back a version that has judged nothing and will judge nothing.
-- Parameters: pack, version, actor. Grain: one row, none where it is withdrawn already.
UPDATE rule_version
SET status = 'withdrawn', withdrawn_by = :actor, withdrawn_at = now(), in_force_from = NULL,
    backtest_asked_at = NULL, backtest_started_at = NULL
WHERE pack = :pack AND version = :version AND status <> 'withdrawn'
RETURNING version
