-- What checks have answered lately, so that a process that begins knows what is held, and answers the same again.
-- Parameters: since. Grain: one row per check, oldest first.
SELECT
    transfer_id, event, content_sha256, answer, decided_by, doubt, checked_at, released_at,
    CASE WHEN released_at IS NULL THEN reserved_until ELSE checked_at END AS held_until
FROM transfers.reservation
WHERE checked_at > :since
ORDER BY checked_at, transfer_id
