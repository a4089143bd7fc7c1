-- How much an installation holds, for the one who is about to delete it.
-- Parameters: none. Grain: one row.
SELECT
    (SELECT count(*) FROM minute_ledger)                       AS minutes,
    (SELECT min(minute) FROM minute_ledger)                    AS first_minute,
    (SELECT max(minute) FROM minute_ledger)                    AS last_minute,
    (SELECT count(*) FROM lake_file)                           AS files,
    (SELECT count(*) FROM incident)                            AS incidents,
    (SELECT count(*) FROM incident WHERE status <> 'resolved') AS unresolved,
    (SELECT count(*) FROM outbox)                              AS messages,
    (SELECT count(*) FROM outbox WHERE status <> 'sent')       AS unsent
