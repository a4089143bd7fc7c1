-- What the rules answered to checks in a span of time, oldest first.
-- Parameters: start, end_. Grain: one row per check.
SELECT transfer_id, event, answer, CAST(seen AS text) AS seen, beside, checked_at
FROM transfers.reservation
WHERE decided_by = 'rules' AND checked_at >= :start AND checked_at < :end_
ORDER BY checked_at, transfer_id
