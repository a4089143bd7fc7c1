-- Incidents that were unresolved at any minute of a span.
-- Parameters: first, last (minutes, both included). Grain: one row per incident.
SELECT incident_id, rule, merchant_id, merchant_name, tier, severity, status, policy, opened_minute,
       last_breach_minute, resolved_minute, corrected_minute, times, told_minute, paid_out_cancelable, cancelled_unrecovered,
       latest_reason AS reason
FROM incident
WHERE opened_minute <= :last AND (resolved_minute IS NULL OR resolved_minute >= :first)
