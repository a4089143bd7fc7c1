-- How many rows some tables have by the server's own estimate.
-- Parameters: tables (list of names). Grain: one row per table.
SELECT TABLE_NAME AS table_name, TABLE_ROWS AS estimated_rows
FROM information_schema.tables
WHERE table_schema = DATABASE() AND TABLE_NAME IN %(tables)s
