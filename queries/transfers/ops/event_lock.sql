-- Locks an event. Parameters: transfer_id. Grain: one row, or none.
SELECT transfer_id, status FROM transfers.event WHERE transfer_id = :transfer_id FOR UPDATE
