-- What events were before each correction.
-- Parameters: since. Grain: one row per correction, oldest first.
SELECT transfer_id, before ->> 'status' AS status, CAST(CAST(written AS text) AS bigint) AS written
FROM transfers.correction_log
WHERE kind = 'correction' AND at >= :since
ORDER BY number
