-- Tell in the second channel what the first does not take; once, however often this is asked.
-- Parameters: outbox_ids (of messages to the first).
-- Grain: one row per message written.
INSERT INTO outbox (incident_id, event, minute, number, message, destination, why, route, silence_id, instead_of)
SELECT incident_id, event, minute, number, message, second, 'second', route, silence_id, outbox_id
FROM outbox
WHERE outbox_id = ANY(:outbox_ids) AND second IS NOT NULL
ORDER BY outbox_id
ON CONFLICT (incident_id, event, minute, number, destination) DO NOTHING
RETURNING outbox_id
