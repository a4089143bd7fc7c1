-- The snapshot the rows are read from, the source's clock, and since when the server runs; read in the same
-- transaction as the rows. Everything after clock is optional: take away what your server does not know.
-- - snapshot, next_xid: list the transactions in progress, so that one which stays open is not looked for again
--   and again; the next id to be taken is the xmin and its age (a snapshot's xmax only follows those that ended).
-- - standby, replayed, caught_up, standby_why: how far a standby has replayed; null on a primary. A minute is due
--   when it is replayed. Where you have a better measure of the delay (a heartbeat table), give it as `replayed`.
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
    CASE WHEN pg_is_in_recovery() THEN
        NOT pg_is_wal_replay_paused()
        AND coalesce(pg_last_wal_receive_lsn() <= pg_last_wal_replay_lsn(), false)
        AND EXISTS (SELECT FROM pg_stat_wal_receiver)
    END                                                   AS caught_up,
    CASE
        WHEN NOT pg_is_in_recovery() THEN NULL
        WHEN pg_is_wal_replay_paused() THEN 'its replay is paused'
        WHEN NOT EXISTS (SELECT FROM pg_stat_wal_receiver) THEN 'it receives nothing from its primary'
        ELSE 'its replay is behind'
    END                                                   AS standby_why,
    CASE WHEN pg_has_role(current_user, 'pg_read_all_stats', 'usage')
        AND NOT pg_is_in_recovery()
        AND current_setting('track_activities')::boolean
        AND NOT EXISTS (SELECT FROM pg_prepared_xacts WHERE database = current_database())
    THEN (
        SELECT coalesce(array_agg(xact_start), '{}')
        FROM pg_stat_activity
        WHERE xact_start IS NOT NULL AND datname = current_database() AND pid <> pg_backend_pid()
    ) END                                                 AS open
