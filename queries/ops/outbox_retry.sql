-- Give messages back to be tried later, if the sender still holds their lease.
-- Parameters: outbox_ids, leased_until (the sender's own lease), next_attempt_at, error, ambiguous (this attempt may
--   have arrived), counted (false: the attempt certainly did not arrive and is not one of the message's tries).
-- Grain: one row per message given back.
UPDATE outbox
SET status = 'pending',
    leased_until = NULL,
    next_attempt_at = :next_attempt_at,
    attempts = attempts - CASE WHEN :counted THEN 0 ELSE 1 END,
    ambiguous = ambiguous OR :ambiguous,
    last_error = :error
WHERE outbox_id = ANY(:outbox_ids)
  AND status = 'sending'
  AND leased_until = :leased_until
RETURNING outbox_id
