-- Record that messages have reached people, if the sender still holds their lease.
-- Parameters: outbox_ids, leased_until (the sender's own lease), now, channel, message_ts,
--   repeat (it had to be sent again without knowing whether an earlier attempt arrived).
-- Grain: one row per message recorded; fewer than asked when the lease was lost.
UPDATE outbox
SET status = 'sent',
    sent_at = :now,
    leased_until = NULL,
    channel = :channel,
    message_ts = :message_ts,
    ambiguous = :repeat,
    last_error = NULL
WHERE outbox_id = ANY(:outbox_ids)
  AND status = 'sending'
  AND leased_until = :leased_until
RETURNING outbox_id
