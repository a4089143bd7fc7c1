-- How much an installation holds of a pack, for the one who is about to delete it.
-- Parameters: pack. Grain: one row.
WITH mine AS (SELECT incident_id, status FROM incident WHERE pack = :pack),
told AS (SELECT outbox.status FROM outbox JOIN mine USING (incident_id))
SELECT
    (SELECT count(*) FROM minute_ledger WHERE pack = :pack)    AS minutes,
    (SELECT min(minute) FROM minute_ledger WHERE pack = :pack) AS first_minute,
    (SELECT max(minute) FROM minute_ledger WHERE pack = :pack) AS last_minute,
    (SELECT count(*) FROM lake_file WHERE pack = :pack)        AS files,
    (SELECT count(*) FROM mine)                                AS incidents,
    (SELECT count(*) FROM mine WHERE status <> 'resolved')     AS unresolved,
    (SELECT count(*) FROM told)                                AS messages,
    (SELECT count(*) FROM told WHERE status NOT IN ('sent', 'silenced')) AS unsent
