-- Put a value on a list.
-- Parameters: list, value, reason, from_at, until_at (null: until it is removed), actor, actor_id. Grain: one row.
INSERT INTO transfers.list_entry (list, value, reason, from_at, until_at, added_by, added_by_id)
VALUES (:list, :value, :reason, :from_at, :until_at, :actor, :actor_id)
RETURNING entry_id
