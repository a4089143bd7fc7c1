-- What people are told of an act on an incident. Its row is locked, so the number is nobody else's.
-- Parameters: incident_id, event, minute, message (jsonb array of one). Grain: one row.
INSERT INTO outbox (incident_id, event, minute, number, message)
SELECT :incident_id, :event, :minute, coalesce(max(number) + 1, 0),
       CAST(:message AS jsonb) -> 0 || jsonb_build_object('incident_id', CAST(:incident_id AS bigint))
FROM outbox
WHERE incident_id = :incident_id AND event = :event AND minute = :minute
