-- Where one incident was told, and why there, in order.
-- Parameters: pack, id. Grain: one row per message; `instead_of` is the channel that did not take it.
SELECT outbox.outbox_id, outbox.event, outbox.minute, outbox.destination, outbox.why, outbox.route,
       outbox.second, outbox.silence_id, silence.reason AS silence_reason, outbox.status, outbox.channel, outbox.message_ts,
       before.destination AS instead_of, before.last_error AS instead_because, outbox.last_error, outbox.sent_at
FROM outbox
JOIN incident USING (incident_id)
LEFT JOIN silence USING (silence_id)
LEFT JOIN outbox AS before ON before.outbox_id = outbox.instead_of
WHERE pack = :pack AND outbox.incident_id = :id
ORDER BY outbox.outbox_id
