-- Forget a view of somebody's own.
-- Parameters: pack, account_id, id. Grain: one row, or none.
DELETE FROM saved_view
WHERE pack = :pack AND account_id = :account_id AND view_id = :id
RETURNING name, query
