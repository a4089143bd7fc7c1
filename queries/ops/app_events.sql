-- What people were told, or are still to be told, about one incident; newest first.
-- Parameters: pack, incident_id (integer), at_most (integer, rows).
-- Grain: one row per outbox entry.
SELECT
    outbox_id,
    event,
    minute,
    CASE WHEN jsonb_typeof(message -> 'at_risk') = 'number' THEN CAST(message ->> 'at_risk' AS bigint) END AS at_risk,
    outbox.status,
    attempts,
    ambiguous,
    channel,
    nullif(destination, 'default') AS destination,
    last_error,
    created_at,
    next_attempt_at,
    sent_at
FROM outbox
JOIN incident USING (incident_id)
WHERE pack = :pack AND incident_id = :incident_id
ORDER BY outbox_id DESC
LIMIT :at_most
