-- Show one message with its content.
-- Parameters: pack, outbox_id.
-- Grain: no row or one.
SELECT outbox_id, incident_id, event, minute, outbox.status, attempts, ambiguous, next_attempt_at, leased_until,
       destination, channel, message_ts, last_error, created_at, sent_at, message
FROM outbox
JOIN incident USING (incident_id)
WHERE pack = :pack AND outbox_id = :outbox_id
