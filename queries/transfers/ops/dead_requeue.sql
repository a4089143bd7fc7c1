-- Lets a dead event be tried again; one that waits for it or got through stays as it is.
-- Parameters: number, actor, now. Grain: one row, or none.
UPDATE transfers.dead_event SET requeued_at = :now, requeued_by = :actor
WHERE number = :number AND requeued_at IS NULL AND delivered_at IS NULL
RETURNING number
