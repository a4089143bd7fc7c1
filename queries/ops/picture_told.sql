-- What an incident's message in a channel says now: its newest message that was sent, and whether one is on its way.
-- Parameters: incident_id, channel. Grain: one row, or none.
SELECT outbox_id, message, EXISTS (
           SELECT FROM outbox AS other
           WHERE other.incident_id = :incident_id AND other.status = 'sending'
       ) AS sending
FROM outbox
WHERE incident_id = :incident_id AND channel = :channel AND status = 'sent'
ORDER BY outbox_id DESC
LIMIT 1
