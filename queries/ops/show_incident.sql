-- One incident with its stored reason and what people were told.
-- Parameters: id. Grain: one row.
SELECT incident.*, (
    SELECT coalesce(jsonb_agg(jsonb_build_object('event', event, 'minute', minute, 'status', status, 'sent_at', sent_at)
                              ORDER BY outbox_id), '[]'::jsonb)
    FROM outbox WHERE outbox.incident_id = incident.incident_id
) AS messages
FROM incident
WHERE incident_id = :id
