-- Everybody was told of an approved action.
-- Parameters: pack, id. Grain: one row, none where it is in another state by now.
UPDATE action SET status = 'told', told_at = now()
WHERE pack = :pack AND action_id = :id AND status = 'approved'
RETURNING action_id
