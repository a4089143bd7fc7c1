-- Keep who approved exactly which text, seen with exactly which effect.
-- Parameters: rule, version, sha256, backtest_sha256, actor, actor_id. Grain: none.
INSERT INTO transfers.rule_approval (rule, version, sha256, backtest_sha256, approved_by, approved_by_id)
VALUES (:rule, :version, :sha256, :backtest_sha256, :actor, :actor_id)
