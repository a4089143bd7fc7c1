-- Messages for the analysts' file: when and whether they arrived, not what they say.
-- Parameters: pack, since, at_most (integer, rows). Grain: one row per entry of the outbox, the newest first.
SELECT outbox_id AS message_id, incident_id, event, minute, destination, outbox.status, attempts, ambiguous,
       message ->> 'severity' AS severity,
       CASE WHEN jsonb_typeof(message -> 'at_risk') = 'number' THEN CAST(message ->> 'at_risk' AS bigint) END AS at_risk,
       created_at, sent_at
FROM outbox
JOIN incident USING (incident_id)
WHERE pack = :pack AND created_at >= :since
ORDER BY created_at DESC, outbox_id DESC
LIMIT :at_most
