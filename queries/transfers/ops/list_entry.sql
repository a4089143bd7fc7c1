-- One entry of a list.
-- Parameters: entry_id. Grain: one row, none where there is none of that number.
SELECT entry_id, list, value, reason, from_at, until_at, added_by, removed_by
FROM transfers.list_entry
WHERE entry_id = :entry_id
