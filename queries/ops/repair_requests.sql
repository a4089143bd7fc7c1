-- Minutes to read again, oldest first.
-- Parameters: limit. Grain: one row per minute.
SELECT minute FROM repair_request ORDER BY minute LIMIT :limit
