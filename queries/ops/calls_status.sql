-- How many calls to the company's systems wait or were given up, and the newest among these with its error. What was
-- given up counts as long as `call_requeue` would let it be tried again: of others nobody can do anything any more.
-- Parameters: pack. Grain: one row.
WITH found AS (
    SELECT call_id, action_id, event, last_error,
           action_call.status IN ('pending', 'sending') AS waits,
           action_call.status = 'dead' AND (
               (
                   event = 'approved' AND action.status IN ('approved', 'told')
                   AND (helps_until IS NULL OR helps_until > now())
               )
               OR (event = 'withdrawn' AND action.status IN ('withdrawn', 'lapsed'))
           ) AS dead
    FROM action_call
    JOIN action USING (action_id)
    WHERE pack = :pack AND action_call.status <> 'sent'
)
SELECT count(*) FILTER (WHERE waits) AS waiting,
       count(*) FILTER (WHERE dead) AS dead,
       (array_agg(action_id ORDER BY call_id DESC) FILTER (WHERE dead))[1] AS dead_action,
       (array_agg(event ORDER BY call_id DESC) FILTER (WHERE dead))[1] AS dead_event,
       (array_agg(last_error ORDER BY call_id DESC) FILTER (WHERE dead))[1] AS error
FROM found
