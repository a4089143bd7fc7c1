-- Take the next message of a channel that is due: a waiting one, or one whose sender's lease ran out (it may have
-- arrived). What is still open after a silence goes together, by outbox_claim_unsilenced.
-- Parameters: pack, destinations (array: what the channel is called), now, expired_before (leases that ended before
--   it are void), leased_until.
-- Grain: no row or one, as the outbox row is after the claim. Messages of one incident keep their order in a channel.
UPDATE outbox
SET status = 'sending',
    attempts = attempts + 1,
    leased_until = :leased_until,
    ambiguous = ambiguous OR status = 'sending'
WHERE outbox_id = (
    SELECT waiting.outbox_id
    FROM outbox AS waiting
    JOIN incident USING (incident_id)
    WHERE incident.pack = :pack
    AND waiting.destination = ANY(:destinations)
    AND waiting.event <> 'unsilenced'
    AND (
        (waiting.status = 'pending' AND waiting.next_attempt_at <= :now)
        OR (waiting.status = 'sending' AND waiting.leased_until < :expired_before)
    )
    AND NOT EXISTS (
        SELECT FROM outbox AS earlier
        WHERE earlier.incident_id = waiting.incident_id
          AND earlier.destination = waiting.destination
          AND earlier.outbox_id < waiting.outbox_id
          AND earlier.status IN ('pending', 'sending')
    )
    ORDER BY incident.tier = 'top' DESC, waiting.event IN ('repeated', 'priced'), waiting.outbox_id  -- these can wait
    LIMIT 1
    FOR UPDATE OF waiting SKIP LOCKED
)
RETURNING outbox_id
