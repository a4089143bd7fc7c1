-- What people were told of one incident, in order.
-- Parameters: id. Grain: one row per message.
SELECT event, minute, status, destination, sent_at FROM outbox WHERE incident_id = :id ORDER BY outbox_id
