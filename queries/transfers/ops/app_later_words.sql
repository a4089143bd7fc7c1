-- What was said of a payment after it was there: corrections of its status, and conflicts.
-- Parameters: transfer_id. Grain: one row per word, the oldest first; at most 50.
SELECT kind, before, after, origin, at
FROM transfers.correction_log
WHERE transfer_id = :transfer_id
ORDER BY number
LIMIT 50
