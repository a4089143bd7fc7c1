-- List messages for people, newest first.
-- Parameters: status (null: all), at_most.
-- Grain: one row per message.
SELECT outbox_id, incident_id, event, minute, status, attempts, ambiguous, next_attempt_at, leased_until,
       channel, message_ts, last_error, created_at, sent_at
FROM outbox
WHERE CAST(:status AS text) IS NULL OR status = :status
ORDER BY outbox_id DESC
LIMIT :at_most
