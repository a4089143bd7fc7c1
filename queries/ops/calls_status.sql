-- How many calls to the company's systems wait or were given up, and the newest among these with its error.
-- Parameters: pack. Grain: one row.
SELECT count(*) FILTER (WHERE action_call.status IN ('pending', 'sending')) AS waiting,
       count(*) FILTER (WHERE action_call.status = 'dead') AS dead,
       (array_agg(action_id ORDER BY call_id DESC) FILTER (WHERE action_call.status = 'dead'))[1] AS dead_action,
       (array_agg(event ORDER BY call_id DESC) FILTER (WHERE action_call.status = 'dead'))[1] AS dead_event,
       (array_agg(last_error ORDER BY call_id DESC) FILTER (WHERE action_call.status = 'dead'))[1] AS error
FROM action_call
JOIN action USING (action_id)
WHERE pack = :pack
