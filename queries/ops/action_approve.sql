-- Approve what somebody else proposed.
-- Parameters: pack, id, by, account_id (null: nobody's account). Grain: one row, none where it is not proposed any more.
UPDATE action
SET status = 'approved', approved_by = :by, approver_id = :account_id, decided_at = now()
WHERE pack = :pack AND action_id = :id AND status = 'proposed'
RETURNING action_id, decided_at
