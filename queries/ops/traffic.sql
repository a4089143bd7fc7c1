-- Does the source have transactions? Minutes that were read and are empty, since the newest one that is not.
-- Parameters: none. Grain: one row, none before the first publication; incident_id of an unresolved outage.
SELECT
    traffic.newest,
    (SELECT count(*) FROM minute_ledger WHERE minute > coalesce(traffic.newest, '-infinity')) AS silent_minutes,
    (SELECT incident_id FROM incident WHERE rule = 'platform_outage' AND status <> 'resolved') AS incident_id
FROM (
    SELECT (SELECT minute FROM minute_ledger WHERE source_rows > 0 ORDER BY minute DESC LIMIT 1) AS newest
) AS traffic
WHERE EXISTS (SELECT FROM minute_ledger)
