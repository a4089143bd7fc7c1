-- Count the messages by status, and say since when the oldest unsent one waits.
-- Parameters: none.
-- Grain: one row.
SELECT count(*) FILTER (WHERE status = 'pending') AS pending,
       count(*) FILTER (WHERE status = 'sending') AS sending,
       count(*) FILTER (WHERE status = 'sent') AS sent,
       count(*) FILTER (WHERE status = 'dead') AS dead,
       min(created_at) FILTER (WHERE status IN ('pending', 'sending')) AS oldest_unsent_at
FROM outbox
