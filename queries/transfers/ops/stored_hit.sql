-- The hits of a rule at a transfer, the newest version first.
-- Parameters: transfer_id, rule. Grain: one row per version that fired.
SELECT rule, version, severity, score, action, mode, occurred_at, explanation, late, corrected_at, corrected_by
FROM transfers.risk_rule_hit
WHERE transfer_id = :transfer_id AND rule = :rule
ORDER BY version DESC
