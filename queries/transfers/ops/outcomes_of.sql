-- What became of the transfers of a time.
-- Parameters: ids (an array of transfer_ids). Grain: one row per transfer of which somebody has said something.
SELECT transfer_id, fraud FROM transfers.outcome WHERE transfer_id = ANY(CAST(:ids AS text[]))
