-- The clock of the operational database, and which transactions this session sees.
-- Parameters: none. Grain: one row.
SELECT clock_timestamp() AS clock, CAST(pg_current_snapshot() AS text) AS seen
