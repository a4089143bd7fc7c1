-- The server's clock, in UTC.
-- Parameters: none. Grain: one row.
SELECT UTC_TIMESTAMP(6) AS clock
