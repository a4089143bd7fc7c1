-- The snapshot the rows are read from, the source's clock, and since when the server runs; read in the same
-- transaction as the rows.
-- Parameters: none. Grain: one row.
SELECT
    pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS xmin,
    pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS xmax,
    clock_timestamp()                                     AS clock,
    pg_postmaster_start_time()                            AS started
