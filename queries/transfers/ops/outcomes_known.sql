-- What became of all transfers of which somebody has said something, and when it was said.
-- Parameters: none. Grain: one row per transfer.
SELECT transfer_id, fraud, reported_at FROM transfers.outcome ORDER BY transfer_id
