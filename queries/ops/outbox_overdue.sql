-- Tell in the second channel what the first has not taken for long; once. The first goes on being tried.
-- Parameters: pack, before (older messages are overdue).
-- Grain: one row per message written.
INSERT INTO outbox (incident_id, event, minute, number, message, destination, why, route, silence_id, instead_of)
SELECT waiting.incident_id, waiting.event, waiting.minute, waiting.number, waiting.message, waiting.second, 'second', waiting.route,
       waiting.silence_id, waiting.outbox_id
FROM outbox AS waiting
JOIN incident USING (incident_id)
WHERE pack = :pack
  AND waiting.status IN ('pending', 'sending')
  AND waiting.second IS NOT NULL
  AND waiting.created_at < :before
  AND NOT EXISTS (SELECT FROM outbox AS told WHERE told.instead_of = waiting.outbox_id)
ORDER BY waiting.outbox_id
ON CONFLICT (incident_id, event, minute, number, destination) DO NOTHING
RETURNING outbox_id
