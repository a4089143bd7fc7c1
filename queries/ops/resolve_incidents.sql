-- Resolve incidents whose breach has been over for long enough, but those on which somebody has acted meanwhile.
-- They keep the money of their last minute.
-- Parameters: pack, incidents (jsonb array), minute. Grain: one row per incident, its id.
UPDATE incident
SET status = 'resolved', resolved_minute = :minute, resolved_at = now(), snooze = NULL,
    parts = i.parts, figures = i.figures, told_money = i.told_money
FROM jsonb_populate_recordset(NULL::incident_now, CAST(:incidents AS jsonb)) AS i
WHERE incident.incident_id = i.incident_id AND incident.pack = :pack AND incident.acted = i.acted
  AND incident.status <> 'resolved'
RETURNING incident.incident_id
