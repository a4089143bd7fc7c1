-- One incident with everything stored about it, also when it is resolved.
-- Parameters: incident_id (integer).
-- Grain: one row, or none when there is no such incident.
SELECT
    incident_id,
    rule,
    merchant_id,
    merchant_name,
    tier,
    severity,
    status,
    policy,
    times,
    opened_minute,
    last_breach_minute,
    resolved_minute,
    krw_at_risk,
    paid_out_cancelable,
    cancelled_unrecovered,
    reason,
    latest_reason,
    opened_at,
    acknowledged_at,
    acknowledged_by,
    resolved_at
FROM incident
WHERE incident_id = :incident_id
