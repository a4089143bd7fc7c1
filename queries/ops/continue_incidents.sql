-- Incidents that were breached again: newest minute and numbers; severity never falls.
-- Parameters: incidents (jsonb array). Grain: one row per incident.
UPDATE incident
SET last_breach_minute = i.last_breach_minute, severity = i.severity, latest_reason = i.reason
FROM jsonb_to_recordset(CAST(:incidents AS jsonb)) AS i(
    incident_id bigint, last_breach_minute timestamptz, severity text, reason jsonb
)
WHERE incident.incident_id = i.incident_id AND incident.status <> 'resolved'
