-- What kind of server answers, and what kind of role asks: for `check`. The lag of a standby that has replayed all
-- it received is 0, however long nothing was written.
-- Parameters: none. Grain: one row.
SELECT
    current_user                                        AS role,
    r.rolsuper                                          AS superuser,
    r.rolcreatedb                                       AS createdb,
    r.rolcreaterole                                     AS createrole,
    r.rolreplication                                    AS replication,
    r.rolbypassrls                                      AS bypassrls,
    pg_has_role('pg_read_all_stats', 'USAGE')           AS reads_all_stats,
    pg_backend_pid()                                    AS backend_pid,
    inet_server_port()                                  AS port,
    clock_timestamp()                                   AS clock,
    pg_is_in_recovery()                                 AS standby,
    CASE WHEN pg_is_in_recovery() THEN pg_is_wal_replay_paused() ELSE false END AS replay_paused,
    CASE WHEN NOT pg_is_in_recovery() THEN NULL
         WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
         ELSE extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float8
    END                                                 AS lag_s
FROM pg_roles AS r
WHERE r.rolname = current_user
