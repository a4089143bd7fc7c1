-- What is wrong now, oldest first.
-- Parameters: none. Grain: one row per alarm and subject.
SELECT name, subject, what, hint, since, seen_at
FROM alarm
WHERE ended_at IS NULL AND coalesce(until > now(), true)
ORDER BY since, name, subject
