-- Tell nobody of an incident for a while.
-- Parameters: pack, id, snooze (jsonb array of one). Grain: one row.
UPDATE incident SET snooze = CAST(:snooze AS jsonb) -> 0, acted = acted + 1
WHERE pack = :pack AND incident_id = :id AND status <> 'resolved'
