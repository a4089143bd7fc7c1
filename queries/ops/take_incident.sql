-- Acknowledge an open incident.
-- Parameters: pack, id, by. Grain: one row when the incident was open, none otherwise.
UPDATE incident SET status = 'acknowledged', acknowledged_at = now(), acknowledged_by = :by,
    acted = acted + 1
WHERE pack = :pack AND incident_id = :id AND status = 'open'
RETURNING incident_id
