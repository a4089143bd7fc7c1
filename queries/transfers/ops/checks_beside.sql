-- The events of checks that were held beside others.
-- Parameters: transfer_ids. Grain: one row per check.
SELECT transfer_id, event FROM transfers.reservation WHERE transfer_id = ANY (CAST(:transfer_ids AS text[]))
