-- One dead event, whole.
-- Parameters: number. Grain: one row, or none.
SELECT number, event_id, account_id, error, attempts, died_at, requeued_at, requeued_by, delivered_at, payload
FROM transfers.dead_event WHERE number = :number
