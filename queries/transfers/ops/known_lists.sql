-- The names of all lists that ever had an entry.
-- Parameters: none. Grain: one row per list.
SELECT DISTINCT list FROM transfers.list_entry ORDER BY list
