-- Count the messages that were not sent by status, and say since when the oldest that will be waits.
-- Parameters: pack.
-- Grain: one row.
SELECT count(*) FILTER (WHERE outbox.status = 'pending') AS pending,
       count(*) FILTER (WHERE outbox.status = 'sending') AS sending,
       count(*) FILTER (WHERE outbox.status = 'dead') AS dead,
       min(created_at) FILTER (WHERE outbox.status IN ('pending', 'sending')) AS oldest_unsent_at
FROM outbox
JOIN incident USING (incident_id)
WHERE pack = :pack AND outbox.status NOT IN ('sent', 'silenced')
