-- Show one message with its content.
-- Parameters: outbox_id.
-- Grain: no row or one.
SELECT outbox_id, incident_id, event, minute, status, attempts, ambiguous, next_attempt_at, leased_until,
       channel, message_ts, last_error, created_at, sent_at, message
FROM outbox
WHERE outbox_id = :outbox_id
