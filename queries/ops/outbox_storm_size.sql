-- Count the due 'opened' messages, cheaply and without a lock, to know whether a storm is possible at all.
-- Parameters: pack, now, expired_before (as outbox_claim).
-- Grain: one row.
SELECT count(*) AS waiting
FROM outbox
JOIN incident USING (incident_id)
WHERE event = 'opened'
  AND pack = :pack
  AND entity_id <> '*'  -- what is of everybody has a message of its own
  AND (
    (outbox.status = 'pending' AND next_attempt_at <= :now)
    OR (outbox.status = 'sending' AND leased_until < :expired_before)
)
