-- A check as it stands.
-- Parameters: transfer_id. Grain: one row, or none.
SELECT transfer_id, decided_by, checked_at, reserved_until, released_at, released_by
FROM transfers.reservation
WHERE transfer_id = :transfer_id
