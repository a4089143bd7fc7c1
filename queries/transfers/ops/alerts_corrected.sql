-- Hits of live rules that were marked as corrected since a moment, oldest first.
-- Parameters: since, at_most. Grain: one row per hit.
SELECT number, transfer_id, rule, version, corrected_at, corrected_by
FROM transfers.risk_rule_hit
WHERE mode = 'live' AND corrected_at >= :since
ORDER BY corrected_at, number
LIMIT :at_most
