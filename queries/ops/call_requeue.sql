-- Let the calls of an action that were given up, or that had nowhere to go, be tried again.
-- Parameters: id (of the action). Grain: one row per call.
UPDATE action_call
SET status = 'pending', attempts = 0, next_attempt_at = now(), created_at = now(), last_error = NULL
WHERE action_id = :id AND status IN ('dead', 'nowhere')
RETURNING call_id
