-- Let what was handed in be in force from a minute on.
-- Parameters: pack, version, actor, actor_id, in_force_from. Grain: one row, none where it was not handed in.
UPDATE rule_version
SET status = 'approved', approved_by = :actor, approved_by_id = :actor_id, decided_at = now(),
    in_force_from = :in_force_from, backtest_asked_at = NULL, backtest_started_at = NULL
WHERE pack = :pack AND version = :version AND status = 'submitted'
RETURNING version
