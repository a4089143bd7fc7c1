-- Is the pipeline alive, how much is open, what is not delivered: the header of the dashboard.
-- Parameters: none.
-- Grain: exactly one row.
SELECT
    leader.epoch,
    leader.holder,
    leader.heartbeat_at,
    now() AS database_clock,
    (SELECT next_minute FROM watermark) AS next_minute,
    found.critical,
    found.high,
    found.medium,
    found.krw_at_risk,  -- of those whose money is known
    found.unpriced,
    told.undelivered,
    told.oldest_undelivered_at,
    told.dead,
    stray.past AS stray_past,
    stray.future AS stray_future
FROM leader
CROSS JOIN (
    SELECT
        count(*) FILTER (WHERE severity = 'critical') AS critical,
        count(*) FILTER (WHERE severity = 'high') AS high,
        count(*) FILTER (WHERE severity = 'medium') AS medium,
        coalesce(sum(krw_at_risk), 0) AS krw_at_risk,
        count(*) FILTER (WHERE krw_at_risk IS NULL) AS unpriced
    FROM incident
    WHERE status <> 'resolved'
) AS found
CROSS JOIN (
    SELECT
        count(*) FILTER (WHERE status IN ('pending', 'sending')) AS undelivered,
        min(created_at) FILTER (WHERE status IN ('pending', 'sending')) AS oldest_undelivered_at,
        count(*) FILTER (WHERE status = 'dead') AS dead
    FROM outbox
    WHERE status <> 'sent'
) AS told
CROSS JOIN stray_count AS stray
