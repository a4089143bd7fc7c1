-- Resolve incidents whose breach has been over for long enough, but those on which somebody has acted meanwhile.
-- Parameters: pack, incidents (jsonb array, as they were read), minute. Grain: one row per incident, its id.
UPDATE incident
SET status = 'resolved', resolved_minute = :minute, resolved_at = now(), snooze = NULL
FROM jsonb_populate_recordset(NULL::incident_now, CAST(:incidents AS jsonb)) AS i
WHERE incident.incident_id = i.incident_id AND incident.pack = :pack AND incident.acted = i.acted
  AND incident.status <> 'resolved'
RETURNING incident.incident_id
