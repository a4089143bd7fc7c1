-- Which values stand on which lists, for the events of which times.
-- Parameters: since (only entries that reach past it). Grain: one row per entry.
SELECT list, value, from_at, until_at
FROM transfers.list_entry
WHERE until_at IS NULL OR (until_at > :since AND until_at > from_at)
ORDER BY list, value, from_at
