-- Count what is due in a channel and may be told together, cheaply and without a lock.
-- Parameters: pack, destinations, now, expired_before (as outbox_claim).
-- Grain: one row: incidents that opened, and those that are still open after a silence.
SELECT count(*) FILTER (WHERE event = 'opened') AS opened,
       count(*) FILTER (WHERE event = 'unsilenced') AS unsilenced
FROM outbox
JOIN incident USING (incident_id)
WHERE event IN ('opened', 'unsilenced')
  AND pack = :pack
  AND destination = ANY(:destinations)
  AND entity_id <> '*'  -- what is of everybody has a message of its own
  AND (
    (outbox.status = 'pending' AND next_attempt_at <= :now)
    OR (outbox.status = 'sending' AND leased_until < :expired_before)
)
