-- What else a business day had: checks before a transfer, corrections and conflicts, dead events, and outcomes.
-- Parameters: start, stop (stop excluded). Grain: one row.
SELECT
    (SELECT count(*) FROM transfers.reservation WHERE checked_at >= :start AND checked_at < :stop) AS checks,
    (
        SELECT count(*) FROM transfers.reservation
        WHERE checked_at >= :start AND checked_at < :stop AND decided_by = 'fallback'
    ) AS fallbacks,
    (
        SELECT count(*) FROM transfers.reservation
        WHERE checked_at >= :start AND checked_at < :stop AND rejudged = 'differs'
    ) AS differing,
    (
        SELECT count(*) FROM transfers.correction_log WHERE at >= :start AND at < :stop AND kind = 'correction'
    ) AS corrections,
    (SELECT count(*) FROM transfers.correction_log WHERE at >= :start AND at < :stop AND kind = 'conflict') AS conflicts,
    (SELECT count(*) FROM transfers.dead_event WHERE died_at >= :start AND died_at < :stop) AS died,
    (SELECT count(*) FROM transfers.dead_event WHERE delivered_at IS NULL) AS dead_now,
    (SELECT count(*) FROM transfers.outcome WHERE reported_at >= :start AND reported_at < :stop AND fraud) AS frauds,
    (SELECT count(*) FROM transfers.outcome WHERE reported_at >= :start AND reported_at < :stop) AS outcomes
