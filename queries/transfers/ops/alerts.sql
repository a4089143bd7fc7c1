-- The latest hits of live rules, with their events, newest first.
-- Parameters: after (only those with a larger number; null: any), at_most. Grain: one row per hit.
SELECT
    h.number, h.transfer_id, h.rule, h.version, h.severity, h.score, h.action, h.occurred_at, h.late, h.hit_at,
    h.corrected_at, h.explanation, l.decision, e.kind, e.status, e.account_id, e.amount, e.currency, e.country
FROM transfers.risk_rule_hit AS h
LEFT JOIN transfers.risk_log AS l USING (transfer_id)
LEFT JOIN transfers.event AS e USING (transfer_id)
WHERE h.mode = 'live' AND (CAST(:after AS bigint) IS NULL OR h.number > :after)
ORDER BY h.number DESC
LIMIT :at_most
