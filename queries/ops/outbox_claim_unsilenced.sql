-- Take together what is told of the incidents that are still open after one silence, in one channel.
-- Parameters: pack, destinations, now, expired_before, leased_until (as outbox_claim), at_most.
-- Grain: one row per message of the silence that ended first; none where nothing of the kind is due.
WITH due AS MATERIALIZED (
    SELECT outbox_id, silence_id
    FROM outbox
    JOIN incident USING (incident_id)
    WHERE event = 'unsilenced'
      AND pack = :pack
      AND destination = ANY(:destinations)
      AND (
        (outbox.status = 'pending' AND next_attempt_at <= :now)
        OR (outbox.status = 'sending' AND leased_until < :expired_before)
    )
    ORDER BY silence_id, tier = 'top' DESC, outbox_id
    LIMIT :at_most
    FOR UPDATE OF outbox SKIP LOCKED
)
UPDATE outbox
SET status = 'sending',
    attempts = attempts + 1,
    leased_until = :leased_until,
    ambiguous = ambiguous OR status = 'sending'
WHERE outbox_id IN (SELECT outbox_id FROM due WHERE silence_id = (SELECT min(silence_id) FROM due))
RETURNING outbox_id
