-- The snapshot the rows are read from, and the source's clock. Parameters: none. Grain: one row.
SELECT
    pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS xmin,
    pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS xmax,
    clock_timestamp()                                     AS clock
