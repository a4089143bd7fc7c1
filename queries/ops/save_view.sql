-- Keep a question of the inbox by a name; one of that name becomes the new one.
-- Parameters: pack, account_id, name, query. Grain: one row.
INSERT INTO saved_view (pack, account_id, name, query)
VALUES (:pack, :account_id, :name, :query)
ON CONFLICT (account_id, pack, name) DO UPDATE SET query = excluded.query, saved_at = now()
RETURNING view_id
