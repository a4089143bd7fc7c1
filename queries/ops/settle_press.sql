-- Settle a press, in the transaction of its act or of its refusal.
-- Parameters: key, state. Grain: one row, or none where it was settled before.
UPDATE press SET state = :state, settled_at = clock_timestamp()
WHERE key = :key AND state = 'taken'
RETURNING press_id
