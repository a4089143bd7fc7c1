-- Write what became of a call, if the sender still holds its lease.
-- Parameters: id, leased_until (the sender's own lease), status, next_attempt_at (null: as it was), now, error,
--   counted (false: the attempt certainly did not arrive and is not one of the call's tries).
-- Grain: one row, none where the lease was lost.
UPDATE action_call
SET status = :status,
    leased_until = NULL,
    next_attempt_at = coalesce(:next_attempt_at, next_attempt_at),
    attempts = attempts - CASE WHEN :counted THEN 0 ELSE 1 END,
    sent_at = CASE WHEN :status = 'sent' THEN CAST(:now AS timestamptz) END,
    last_error = :error
WHERE call_id = :id AND status = 'sending' AND leased_until = :leased_until
RETURNING call_id
