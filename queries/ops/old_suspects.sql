-- Minutes past the horizon that got rows: the newest hour of them, to be compared with the ledger.
-- Parameters: before (the horizon), limit. Grain: one row per minute.
SELECT minute, cause, requested_at
FROM repair_request
WHERE cause = 'late_commit'
  AND minute < :before
  AND minute > (SELECT max(minute) FROM repair_request WHERE cause = 'late_commit' AND minute < :before)
      - interval '1 hour'
ORDER BY minute DESC
LIMIT :limit
