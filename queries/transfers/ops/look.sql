-- The clock of the operational database, which transactions this session sees, and when the watch last looked.
-- Parameters: none. Grain: one row; watched is null before the first look.
SELECT
    clock_timestamp() AS clock,
    CAST(pg_current_snapshot() AS text) AS seen,
    (SELECT looked_at FROM transfers.watch) AS watched
