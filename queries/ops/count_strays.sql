-- How many minutes hold rows that nothing has counted, by reason.
-- Parameters: pack. Grain: exactly one row.
SELECT past, future FROM stray_count WHERE pack = :pack
