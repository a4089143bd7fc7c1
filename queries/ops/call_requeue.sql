-- Let the calls of an action that were given up, or that had nowhere to go, be tried again: what is to be done as long as
-- it helps and was not called off, what was called off always.
-- Parameters: pack, id (of the action). Grain: one row per call.
UPDATE action_call
SET status = 'pending', attempts = 0, next_attempt_at = now(), created_at = now(), last_error = NULL
FROM action
WHERE pack = :pack AND action.action_id = :id AND action_call.action_id = action.action_id
  AND action_call.status IN ('dead', 'nowhere')
  AND (
      (event = 'approved' AND action.status IN ('approved', 'told') AND (helps_until IS NULL OR helps_until > now()))
      OR (event = 'withdrawn' AND action.status IN ('withdrawn', 'lapsed'))
  )
RETURNING call_id
