-- The number of an act on an incident among those of its minute. The incident's row is locked, so it is nobody else's.
-- Parameters: incident_id, event, minute. Grain: one row.
SELECT coalesce(max(number) + 1, 0) AS number
FROM outbox
WHERE incident_id = :incident_id AND event = :event AND minute = :minute
