-- What people were not told yet, or could not be, and what nothing counts.
-- Parameters: pack.
-- Grain: one row; times and database_clock come from the same clock.
SELECT
    now() AS database_clock,
    told.undelivered,
    told.oldest_undelivered_at,
    told.dead,
    coalesce(stray.past, 0) AS stray_past,
    coalesce(stray.future, 0) AS stray_future
FROM (
    SELECT
        count(*) FILTER (WHERE outbox.status IN ('pending', 'sending')) AS undelivered,
        min(created_at) FILTER (WHERE outbox.status IN ('pending', 'sending')) AS oldest_undelivered_at,
        count(*) FILTER (WHERE outbox.status = 'dead') AS dead
    FROM outbox
    JOIN incident USING (incident_id)
    WHERE pack = :pack AND outbox.status NOT IN ('sent', 'silenced')
) AS told
LEFT JOIN stray_count AS stray ON stray.pack = :pack
