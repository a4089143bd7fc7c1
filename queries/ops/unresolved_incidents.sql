-- Incidents that are open or acknowledged.
-- Parameters: none. Grain: one row per incident.
SELECT incident_id, rule, merchant_id, merchant_name, tier, severity, status, policy, opened_minute,
       last_breach_minute, times, told_minute, paid_out_cancelable, cancelled_unrecovered, latest_reason AS reason
FROM incident
WHERE status <> 'resolved'
