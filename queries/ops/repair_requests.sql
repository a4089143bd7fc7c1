-- Minutes to read again: those that differ for certain first, then those that may, each newest first.
-- Parameters: pack, since (of those that may differ, older ones are left out; null: none is), limit.
-- Grain: one row per minute.
SELECT minute, cause, requested_at
FROM repair_request
WHERE pack = :pack
  AND (cause = 'reconciliation' OR CAST(:since AS timestamptz) IS NULL OR minute >= CAST(:since AS timestamptz))
ORDER BY cause DESC, minute DESC
LIMIT :limit
