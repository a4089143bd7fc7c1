-- Hand a draft in; where nobody knows yet what it would have done, that is asked for.
-- Parameters: rule, version, actor, actor_id. Grain: one row, none where it is no draft.
UPDATE transfers.rule_version
SET status = 'submitted', submitted_by = :actor, submitted_by_id = :actor_id, submitted_at = now(),
    backtest_asked = CASE WHEN backtest IS NULL THEN coalesce(backtest_asked, now()) ELSE backtest_asked END
WHERE rule = :rule AND version = :version AND status = 'draft'
RETURNING version
