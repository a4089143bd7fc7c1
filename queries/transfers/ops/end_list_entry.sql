-- Take a value off a list from a moment on; one that has not begun never does.
-- Parameters: entry_id, at, actor. Grain: one row.
UPDATE transfers.list_entry
SET until_at = greatest(from_at, least(until_at, CAST(:at AS timestamptz))), removed_by = :actor
WHERE entry_id = :entry_id
RETURNING until_at
