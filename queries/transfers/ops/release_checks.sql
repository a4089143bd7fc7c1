-- Release what checks still hold.
-- Parameters: transfer_ids, now, by (booked, asked). Grain: one row per released check.
UPDATE transfers.reservation
SET released_at = :now, released_by = :by
WHERE transfer_id = ANY (CAST(:transfer_ids AS text[])) AND released_at IS NULL AND reserved_until > :now
RETURNING transfer_id
