-- How many minutes hold rows that nothing has counted, by reason.
-- Parameters: none. Grain: exactly one row.
SELECT past, future FROM stray_count
