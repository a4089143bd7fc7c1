-- The latest payments to which the learned score gave points, newest first, with what moved it at each.
-- Parameters: at_most. Grain: one row per payment and version.
SELECT transfer_id, version, score, explanation, corrected_at
FROM transfers.risk_rule_hit
WHERE rule = 'LEARNED_SCORE'
ORDER BY number DESC
LIMIT :at_most
