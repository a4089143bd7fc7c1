-- Messages that could not be delivered, newest first, with what they were to tell.
-- Parameters: pack, at_most (integer, rows).
-- Grain: one row per message; total is how many there are in all.
SELECT outbox_id, incident_id, event, minute, destination, attempts, ambiguous, last_error, created_at,
       incident.rule, incident.entity_id, incident.entity_name, incident.severity, message,
       count(*) OVER () AS total
FROM outbox
JOIN incident USING (incident_id)
WHERE pack = :pack AND outbox.status = 'dead'
ORDER BY outbox_id DESC
LIMIT :at_most
