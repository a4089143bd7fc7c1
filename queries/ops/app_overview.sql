-- Is the pipeline alive, how much is open, what is not delivered: the header of the dashboard.
-- Parameters: pack.
-- Grain: one row; the epoch of a pack that has never run is 0.
SELECT
    coalesce(leader.epoch, 0) AS epoch,
    coalesce(leader.holder, '') AS holder,
    coalesce(leader.heartbeat_at, now()) AS heartbeat_at,
    now() AS database_clock,
    (SELECT next_minute FROM watermark WHERE pack = :pack) AS next_minute,
    found.critical,
    found.high,
    found.medium,
    found.at_risk,  -- of those whose money is known
    found.unpriced,
    told.undelivered,
    told.oldest_undelivered_at,
    told.dead,
    coalesce(stray.past, 0) AS stray_past,
    coalesce(stray.future, 0) AS stray_future
FROM (SELECT CAST(:pack AS text) AS scope) AS asked
LEFT JOIN leader USING (scope)
LEFT JOIN stray_count AS stray ON stray.pack = asked.scope
CROSS JOIN (
    SELECT
        count(*) FILTER (WHERE severity = 'critical') AS critical,
        count(*) FILTER (WHERE severity = 'high') AS high,
        count(*) FILTER (WHERE severity = 'medium') AS medium,
        coalesce(sum(at_risk), 0) AS at_risk,
        count(*) FILTER (WHERE at_risk IS NULL) AS unpriced
    FROM incident
    WHERE pack = :pack AND status <> 'resolved'
) AS found
CROSS JOIN (
    SELECT
        count(*) FILTER (WHERE outbox.status IN ('pending', 'sending')) AS undelivered,
        min(created_at) FILTER (WHERE outbox.status IN ('pending', 'sending')) AS oldest_undelivered_at,
        count(*) FILTER (WHERE outbox.status = 'dead') AS dead
    FROM outbox
    JOIN incident USING (incident_id)
    WHERE pack = :pack AND outbox.status NOT IN ('sent', 'silenced')
) AS told
