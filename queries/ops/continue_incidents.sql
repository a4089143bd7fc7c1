-- Incidents that were breached again or told again, or whose money at risk has become known: newest minutes and
-- numbers; severity never falls.
-- Parameters: incidents (jsonb array). Grain: one row per incident.
UPDATE incident
SET last_breach_minute = i.last_breach_minute, told_minute = i.told_minute, severity = i.severity,
    latest_reason = i.reason, merchant_name = coalesce(i.merchant_name, incident.merchant_name),
    krw_at_risk = i.paid_out_cancelable + i.cancelled_unrecovered,
    paid_out_cancelable = i.paid_out_cancelable, cancelled_unrecovered = i.cancelled_unrecovered,
    corrected_minute = CASE  -- breached again: what was marked as a mistake of the data is none
        WHEN i.last_breach_minute > incident.last_breach_minute THEN NULL
        ELSE incident.corrected_minute
    END
FROM jsonb_to_recordset(CAST(:incidents AS jsonb)) AS i(
    incident_id bigint, last_breach_minute timestamptz, told_minute timestamptz, severity text,
    merchant_name text, paid_out_cancelable bigint, cancelled_unrecovered bigint, reason jsonb
)
WHERE incident.incident_id = i.incident_id AND incident.status <> 'resolved'
