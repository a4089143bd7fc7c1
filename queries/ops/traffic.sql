-- Does the source have rows? Minutes that were read and are empty, since the newest one that is not.
-- Parameters: pack. Grain: one row, none before the first publication; incident_id of what lasts about everybody.
SELECT
    traffic.newest,
    (
        SELECT count(*) FROM minute_ledger
        WHERE pack = :pack AND minute > coalesce(traffic.newest, '-infinity')
    ) AS silent_minutes,
    (
        SELECT incident_id FROM incident
        WHERE pack = :pack AND entity_id = '*' AND status <> 'resolved'
        ORDER BY last_breach_minute DESC, incident_id DESC
        LIMIT 1
    ) AS incident_id
FROM (
    SELECT (
        SELECT minute FROM minute_ledger
        WHERE pack = :pack AND source_rows > 0
        ORDER BY minute DESC
        LIMIT 1
    ) AS newest
) AS traffic
WHERE EXISTS (SELECT FROM minute_ledger WHERE pack = :pack)
