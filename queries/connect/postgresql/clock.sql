-- The server's clock.
-- Parameters: none. Grain: one row.
SELECT clock_timestamp() AS clock
