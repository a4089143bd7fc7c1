-- Write what the company's own systems are to be told of an action.
-- Parameters: action_id, event, idempotency_key, body. Grain: one row.
INSERT INTO action_call (action_id, event, idempotency_key, body)
VALUES (:action_id, :event, CAST(:idempotency_key AS uuid), :body)
RETURNING call_id
