-- End an action: declined, withdrawn, confirmed or lapsed.
-- Parameters: pack, id, status, by (null: what the source shows, or time), why, statuses (array: those it may end from).
-- Grain: one row, none where it is in another state by now.
UPDATE action
SET status = :status, ended_at = now(), ended_by = :by, end_why = :why,
    decided_at = CASE WHEN :status = 'declined' THEN now() ELSE decided_at END
WHERE pack = :pack AND action_id = :id AND status = ANY(:statuses)
RETURNING action_id
