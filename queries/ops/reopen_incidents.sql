-- Resolved incidents that are back: open again, with the numbers and the money of now, to be acknowledged anew.
-- Parameters: incidents (jsonb array). Grain: one row per incident.
UPDATE incident
SET status = 'open', resolved_minute = NULL, resolved_at = NULL, corrected_minute = NULL,
    acknowledged_at = NULL, acknowledged_by = NULL, times = i.times, told_minute = i.told_minute,
    last_breach_minute = i.last_breach_minute, severity = i.severity, latest_reason = i.reason,
    merchant_name = coalesce(i.merchant_name, incident.merchant_name),
    krw_at_risk = i.paid_out_cancelable + i.cancelled_unrecovered,
    paid_out_cancelable = i.paid_out_cancelable, cancelled_unrecovered = i.cancelled_unrecovered
FROM jsonb_to_recordset(CAST(:incidents AS jsonb)) AS i(
    incident_id bigint, times integer, last_breach_minute timestamptz, told_minute timestamptz, severity text,
    merchant_name text, paid_out_cancelable bigint, cancelled_unrecovered bigint, reason jsonb
)
WHERE incident.incident_id = i.incident_id AND incident.status = 'resolved'
