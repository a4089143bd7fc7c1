-- List messages for people, newest first.
-- Parameters: pack, status (null: all), at_most.
-- Grain: one row per message.
SELECT outbox_id, incident_id, event, minute, outbox.status, attempts, ambiguous, next_attempt_at, leased_until,
       destination, channel, message_ts, last_error, created_at, sent_at
FROM outbox
JOIN incident USING (incident_id)
WHERE pack = :pack AND (CAST(:status AS text) IS NULL OR outbox.status = :status)
ORDER BY outbox_id DESC
LIMIT :at_most
