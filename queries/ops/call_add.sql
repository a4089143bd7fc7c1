-- Write what the company's own systems are to be told of an action.
-- Parameters: action_id, event, idempotency_key, body, not_before (null: at once). Grain: one row.
INSERT INTO action_call (action_id, event, idempotency_key, body, next_attempt_at)
VALUES (
    :action_id, :event, CAST(:idempotency_key AS uuid), :body, coalesce(CAST(:not_before AS timestamptz), now())
)
RETURNING call_id
