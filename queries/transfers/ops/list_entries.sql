-- What stands on the lists at a moment or will later, newest first.
-- Parameters: at, list (null: every list), value (null: every value). Grain: one row per entry.
SELECT entry_id, list, value, reason, from_at, until_at, added_by, added_by_id
FROM transfers.list_entry
WHERE (until_at IS NULL OR (until_at > :at AND until_at > from_at))
  AND (CAST(:list AS text) IS NULL OR list = :list) AND (CAST(:value AS text) IS NULL OR value = :value)
ORDER BY entry_id DESC
