-- Tell no more of an action that has ended what was to be told of it, and say whether it was perhaps taken all the same:
-- it is being sent, an attempt did not certainly fail, or it was requeued, which forgets its attempts.
-- Parameters: pack, id (of the action), error. Grain: one row, none where it was sent or there is no such call.
WITH found AS (
    SELECT call_id, action_call.status, attempts, leased_until, last_error,
           action_call.created_at > decided_at AS requeued
    FROM action_call
    JOIN action USING (action_id)
    WHERE pack = :pack AND action_id = :id AND event = 'approved' AND action_call.status <> 'sent'
    FOR UPDATE OF action_call
),
stopped AS (
    UPDATE action_call SET status = 'dead', leased_until = NULL, last_error = :error
    FROM found
    WHERE action_call.call_id = found.call_id AND found.status IN ('pending', 'sending')
)
SELECT leased_until,
       status = 'sending' OR requeued OR attempts > CASE
           WHEN status = 'nowhere' OR (status = 'dead' AND last_error NOT LIKE 'given up:%') THEN 1
           ELSE 0
       END AS perhaps_taken
FROM found
