-- What rules found at one payment, in the dark too, with the value of every node of theirs.
-- Parameters: transfer_id. Grain: one row per rule and version, the highest score first.
SELECT rule, version, severity, score, action, mode, explanation, late, hit_at, corrected_at, corrected_by
FROM transfers.risk_rule_hit
WHERE transfer_id = :transfer_id
ORDER BY mode, score DESC, rule, version DESC
