-- Count the due 'opened' messages, cheaply and without a lock, to know whether a storm is possible at all.
-- Parameters: now, expired_before (as outbox_claim).
-- Grain: one row.
SELECT count(*) AS waiting
FROM outbox
WHERE event = 'opened'
  AND coalesce(message ->> 'rule', '') NOT LIKE 'platform%'  -- that has a message of its own
  AND (
    (status = 'pending' AND next_attempt_at <= :now)
    OR (status = 'sending' AND leased_until < :expired_before)
)
