-- Resolve incidents whose breach has been over for long enough.
-- Parameters: pack, ids (bigint array), minute. Grain: one row per incident.
UPDATE incident SET status = 'resolved', resolved_minute = :minute, resolved_at = now()
WHERE pack = :pack AND incident_id = ANY(:ids) AND status <> 'resolved'
