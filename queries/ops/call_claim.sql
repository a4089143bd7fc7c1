-- Take the next call that is due: a waiting one, or one whose sender's lease ran out. The receiver knows a repeat by
-- its key. A recall waits for what it recalls. Nobody is told to do what helps no more or has ended, however late it is.
-- Parameters: pack, now, expired_before (leases that ended before it are void), leased_until. Grain: no row or one.
UPDATE action_call
SET status = 'sending', attempts = attempts + 1, leased_until = :leased_until
WHERE call_id = (
    SELECT waiting.call_id
    FROM action_call AS waiting
    JOIN action USING (action_id)
    WHERE action.pack = :pack
      AND (
          (waiting.status = 'pending' AND waiting.next_attempt_at <= :now)
          OR (waiting.status = 'sending' AND waiting.leased_until < :expired_before)
      )
      AND (
          waiting.event = 'withdrawn' OR action.status = 'withdrawn'
          OR (action.status IN ('approved', 'told') AND (helps_until IS NULL OR helps_until > :now))
      )
      AND NOT EXISTS (
          SELECT FROM action_call AS earlier
          WHERE earlier.action_id = waiting.action_id AND earlier.call_id < waiting.call_id
            AND earlier.status IN ('pending', 'sending')
      )
    ORDER BY waiting.call_id
    LIMIT 1
    FOR UPDATE OF waiting SKIP LOCKED
)
RETURNING call_id, action_id, event, idempotency_key, body, attempts, created_at, leased_until
