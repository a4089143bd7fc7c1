-- Set messages aside for a person, if the sender still holds their lease; the next ones move on.
-- Parameters: outbox_ids, leased_until (the sender's own lease), error, ambiguous (this attempt may have arrived).
-- Grain: one row per message set aside.
UPDATE outbox
SET status = 'dead',
    leased_until = NULL,
    ambiguous = ambiguous OR :ambiguous,
    last_error = :error
WHERE outbox_id = ANY(:outbox_ids)
  AND status = 'sending'
  AND leased_until = :leased_until
RETURNING outbox_id
