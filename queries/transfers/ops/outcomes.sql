-- What became of all transfers of which somebody has said something.
-- Parameters: none. Grain: one row per transfer.
SELECT transfer_id, fraud FROM transfers.outcome ORDER BY transfer_id
