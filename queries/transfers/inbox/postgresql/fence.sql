-- The snapshot the rows are read from, the source's clock, and since when the server runs; read in the same
-- transaction as the rows, and once a second. Everything after clock is optional: take away what your server
-- does not know.
-- - snapshot, next_xid: list the transactions in progress, so that one which stays open is not looked for again
--   and again; the next id to be taken is the xmin and its age (a snapshot's xmax only follows those that ended).
-- - standby, replayed, received, paused, receiving: how far a standby has replayed; null on a primary. A minute is
--   due when it is replayed. Where you have a better measure (a heartbeat table), give it as `replayed` alone.
-- - open: when the transactions began that are open now; null where the reader may not see that of others
--   (GRANT pg_read_all_stats), or where prepared transactions hide it. With it every search is exact.
-- Parameters: none. Grain: one row.
SELECT
    pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS xmin,
    pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS xmax,
    clock_timestamp()                                     AS clock,
    pg_postmaster_start_time()                            AS started,
    pg_current_snapshot()::text                           AS snapshot,
    pg_snapshot_xmin(pg_current_snapshot())::text::bigint
        + age((pg_snapshot_xmin(pg_current_snapshot())::text::bigint % 4294967296)::text::xid) AS next_xid,
    pg_is_in_recovery()                                   AS standby,
    CASE WHEN pg_is_in_recovery() THEN pg_last_xact_replay_timestamp() END AS replayed,
    CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() <= pg_last_wal_replay_lsn() END AS received,
    CASE WHEN pg_is_in_recovery() THEN pg_is_wal_replay_paused() END AS paused,
    CASE WHEN pg_is_in_recovery() THEN (pg_stat_get_wal_receiver()).pid IS NOT NULL END AS receiving,
    CASE WHEN pg_has_role(current_user, 'pg_read_all_stats', 'usage')
        AND NOT pg_is_in_recovery()
        AND current_setting('track_activities')::boolean
        AND NOT EXISTS (SELECT FROM pg_prepared_xact())
    THEN (
        SELECT coalesce(array_agg(xact_start), '{}')
        FROM pg_stat_get_activity(NULL)
        WHERE xact_start IS NOT NULL AND pid <> pg_backend_pid()
    ) END                                                 AS open
