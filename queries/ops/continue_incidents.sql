-- Incidents that were breached again or told again, whose snooze moved on or ended, or whose money at risk has
-- changed: newest minutes and numbers; severity never falls.
-- Parameters: pack, incidents (jsonb array). Grain: one row per incident, its id; none where somebody acted meanwhile.
UPDATE incident
SET last_breach_minute = i.last_breach_minute, told_minute = i.told_minute, severity = i.severity,
    latest_reason = i.reason, entity_name = coalesce(i.entity_name, incident.entity_name), parts = i.parts,
    figures = i.figures, told_money = i.told_money,
    snooze = i.snooze,
    corrected_minute = CASE  -- breached again: what was marked as a mistake of the data is none
        WHEN i.last_breach_minute > incident.last_breach_minute THEN NULL
        ELSE incident.corrected_minute
    END
FROM jsonb_populate_recordset(NULL::incident_now, CAST(:incidents AS jsonb)) AS i
WHERE incident.incident_id = i.incident_id AND incident.pack = :pack AND incident.acted = i.acted
  AND incident.status <> 'resolved'
RETURNING incident.incident_id
