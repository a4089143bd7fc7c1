-- Resolved incidents that are back: open again, with the numbers and the money of now, to be acknowledged anew.
-- Parameters: pack, incidents (jsonb array). Grain: one row per incident, its id; none where somebody acted meanwhile.
UPDATE incident
SET status = 'open', resolved_minute = NULL, resolved_at = NULL, corrected_minute = NULL,
    acknowledged_at = NULL, acknowledged_by = NULL, dismissal = NULL, breached_minute = NULL,
    times = i.times, told_minute = i.told_minute,
    last_breach_minute = i.last_breach_minute, severity = i.severity, latest_reason = i.reason,
    entity_name = coalesce(i.entity_name, incident.entity_name), parts = i.parts,
    figures = i.figures, told_money = i.told_money
FROM jsonb_populate_recordset(NULL::incident_now, CAST(:incidents AS jsonb)) AS i
WHERE incident.incident_id = i.incident_id AND incident.pack = :pack AND incident.acted = i.acted
  AND incident.status = 'resolved'
RETURNING incident.incident_id
