-- Incidents that have resolved a short while ago and come back when their rule is breached again.
-- Parameters: since (minute). Grain: one row per rule and merchant, the one that resolved last.
SELECT DISTINCT ON (rule, merchant_id)
       incident_id, rule, merchant_id, merchant_name, tier, severity, status, policy, opened_minute,
       last_breach_minute, resolved_minute, times, told_minute, paid_out_cancelable, cancelled_unrecovered,
       latest_reason AS reason
FROM incident
WHERE status = 'resolved' AND resolved_minute > :since
ORDER BY rule, merchant_id, resolved_minute DESC
