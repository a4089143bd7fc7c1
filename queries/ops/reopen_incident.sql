-- A person takes back that an incident is over. Who had acknowledged it still has.
-- Parameters: pack, id, minute (from which on it counts as quiet). Grain: one row.
UPDATE incident
SET status = CASE WHEN acknowledged_at IS NULL THEN 'open' ELSE 'acknowledged' END, resolved_minute = NULL,
    resolved_at = NULL, dismissal = NULL, breached_minute = NULL, kept_minute = :minute, acted = acted + 1
WHERE pack = :pack AND incident_id = :id AND status = 'resolved'
