-- End a silence before its time. What is still open is told by whoever delivers.
-- Parameters: id, by. Grain: the row as it is then; none where it is over, or was never there.
UPDATE silence SET ended_at = now(), ended_by = :by
WHERE silence_id = :id AND ended_at IS NULL AND ends_at > now()
RETURNING silence_id, match, reason, starts_at, ends_at, ended_at, ended_by
