-- Incidents that a person resolved and whose rule is breached all the same: they stay resolved, and it is remembered.
-- Parameters: pack, incidents (jsonb array). Grain: one row per incident, its id; none where somebody acted meanwhile.
UPDATE incident
SET breached_minute = i.breached_minute
FROM jsonb_populate_recordset(NULL::incident_now, CAST(:incidents AS jsonb)) AS i
WHERE incident.incident_id = i.incident_id AND incident.pack = :pack AND incident.acted = i.acted
  AND incident.dismissal IS NOT NULL
RETURNING incident.incident_id
