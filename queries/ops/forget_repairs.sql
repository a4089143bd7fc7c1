-- Minutes that have been read again.
-- Parameters: minutes (timestamptz array). Grain: one row per minute.
DELETE FROM repair_request WHERE minute = ANY(:minutes)
