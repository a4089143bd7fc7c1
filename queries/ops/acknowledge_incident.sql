-- Acknowledge an open incident and tell people, as one.
-- Parameters: id, by. Grain: one row when the incident was open, none otherwise.
WITH taken AS (
    UPDATE incident SET status = 'acknowledged', acknowledged_at = now(), acknowledged_by = :by
    WHERE incident_id = :id AND status = 'open'
    RETURNING *
)
INSERT INTO outbox (incident_id, event, minute, message)
SELECT incident_id, 'acknowledged', last_breach_minute, jsonb_build_object(
    'incident_id', incident_id, 'event', 'acknowledged', 'rule', rule, 'merchant_id', merchant_id,
    'merchant_name', merchant_name, 'tier', tier, 'severity', severity, 'policy', policy,
    'minute', last_breach_minute, 'opened_minute', opened_minute, 'krw_at_risk', krw_at_risk,
    'paid_out_cancelable', paid_out_cancelable, 'cancelled_unrecovered', cancelled_unrecovered, 'times', times,
    'acknowledged_by', acknowledged_by, 'reason', latest_reason
)
FROM taken
RETURNING incident_id
