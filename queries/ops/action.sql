-- One action with everything stored of it, and of what the company's systems were told.
-- Parameters: pack, id. Grain: one row, or none.
SELECT action.*, told.status AS call_status, told.attempts AS call_attempts, told.last_error AS call_error,
       recalled.status AS recall_status, recalled.last_error AS recall_error, told.idempotency_key
FROM action
LEFT JOIN action_call AS told ON told.action_id = action.action_id AND told.event = 'approved'
LEFT JOIN action_call AS recalled ON recalled.action_id = action.action_id AND recalled.event = 'withdrawn'
WHERE action.pack = :pack AND action.action_id = :id
