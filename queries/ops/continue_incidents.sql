-- Incidents that were breached again or told again: newest minutes and numbers; severity never falls.
-- Parameters: incidents (jsonb array). Grain: one row per incident.
UPDATE incident
SET last_breach_minute = i.last_breach_minute, told_minute = i.told_minute, severity = i.severity,
    latest_reason = i.reason,
    corrected_minute = CASE  -- breached again: what was marked as a mistake of the data is none
        WHEN i.last_breach_minute > incident.last_breach_minute THEN NULL
        ELSE incident.corrected_minute
    END
FROM jsonb_to_recordset(CAST(:incidents AS jsonb)) AS i(
    incident_id bigint, last_breach_minute timestamptz, told_minute timestamptz, severity text, reason jsonb
)
WHERE incident.incident_id = i.incident_id AND incident.status <> 'resolved'
