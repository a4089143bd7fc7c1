-- One version of an event rule with its text.
-- Parameters: rule, version (null: the newest that is not withdrawn). Grain: one row, none where there is no such version.
SELECT v.rule, v.version, v.content, v.sha256, v.status, v.reason, v.author, v.author_id, v.created_at, v.submitted_by,
       v.submitted_by_id, v.submitted_at, a.approved_by, a.approved_at, v.backtest, v.backtest_sha256, v.backtest_asked,
       v.filled_at
FROM transfers.rule_version AS v
LEFT JOIN transfers.rule_approval AS a USING (rule, version)
WHERE v.rule = :rule
  AND (v.version = CAST(:version AS integer) OR (CAST(:version AS integer) IS NULL AND v.status <> 'withdrawn'))
ORDER BY v.version DESC
LIMIT 1
