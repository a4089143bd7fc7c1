-- The filters that an account keeps by a name.
-- Parameters: pack, account_id (integer).
-- Grain: one row per view, by name.
SELECT view_id, name, query
FROM saved_view
WHERE pack = :pack AND account_id = :account_id
ORDER BY name
