-- Minutes past the horizon that got rows: the newest hour of them, to be compared with the ledger.
-- Parameters: pack, before (the horizon), limit. Grain: one row per minute.
WITH suspect AS (
    SELECT minute, cause, requested_at
    FROM repair_request
    WHERE pack = :pack AND cause = 'late_commit' AND minute < :before
)
SELECT minute, cause, requested_at
FROM suspect
WHERE minute > (SELECT max(minute) FROM suspect) - interval '1 hour'
ORDER BY minute DESC
LIMIT :limit
