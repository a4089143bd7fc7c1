-- The channels for which something is due.
-- Parameters: pack, now, expired_before (as outbox_claim).
-- Grain: one row per channel, by name.
SELECT DISTINCT destination
FROM outbox
JOIN incident USING (incident_id)
WHERE pack = :pack
  AND (
    (outbox.status = 'pending' AND next_attempt_at <= :now)
    OR (outbox.status = 'sending' AND leased_until < :expired_before)
)
ORDER BY destination
