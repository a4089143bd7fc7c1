-- Take all due 'opened' messages of a channel, of the newest minute of waiting ones, together, if they are too many
-- to send one by one.
-- Parameters: pack, destinations, now, expired_before, leased_until (as outbox_claim), more_than (count that is still
--   no storm), at_most.
-- Grain: no row, or more than `more_than` rows.
WITH waiting AS MATERIALIZED (
    SELECT outbox_id, created_at
    FROM outbox
    JOIN incident USING (incident_id)
    WHERE event = 'opened'
      AND pack = :pack
      AND destination = ANY(:destinations)
      AND entity_id <> '*'  -- what is of everybody has a message of its own
      AND (
        (outbox.status = 'pending' AND next_attempt_at <= :now)
        OR (outbox.status = 'sending' AND leased_until < :expired_before)
    )
    ORDER BY tier = 'top' DESC, outbox_id
    LIMIT :at_most
    FOR UPDATE OF outbox SKIP LOCKED
),
together AS (
    SELECT outbox_id, count(*) OVER () AS size
    FROM waiting
    WHERE created_at > (SELECT max(created_at) FROM waiting) - interval '1 minute'
)
UPDATE outbox
SET status = 'sending',
    attempts = attempts + 1,
    leased_until = :leased_until,
    ambiguous = ambiguous OR status = 'sending'
WHERE outbox_id IN (SELECT outbox_id FROM together WHERE size > :more_than)
RETURNING outbox_id
