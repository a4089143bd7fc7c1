-- A person calls an incident over, perhaps while its rule is still breached.
-- Parameters: pack, id, minute, dismissal (jsonb array of one). Grain: one row.
UPDATE incident
SET status = 'resolved', resolved_minute = :minute, resolved_at = now(), snooze = NULL,
    dismissal = CAST(:dismissal AS jsonb) -> 0, breached_minute = last_breach_minute, acted = acted + 1
WHERE pack = :pack AND incident_id = :id AND status <> 'resolved'
