-- The messages that a sender has just claimed, those of the top tier first.
-- Parameters: outbox_ids.
-- Grain: one row per message; `instead_of` is the channel that did not take it before.
SELECT outbox.outbox_id, outbox.incident_id, outbox.event, outbox.minute, outbox.message, outbox.attempts,
       outbox.ambiguous, outbox.leased_until, outbox.created_at, outbox.number, outbox.destination, outbox.second,
       before.destination AS instead_of
FROM outbox
JOIN incident USING (incident_id)
LEFT JOIN outbox AS before ON before.outbox_id = outbox.instead_of
WHERE outbox.outbox_id = ANY(:outbox_ids)
ORDER BY incident.tier = 'top' DESC, outbox.outbox_id
