-- What is wrong now with a pack or with the whole installation, oldest first.
-- Parameters: pack. Grain: one row per alarm and subject.
SELECT name, subject, what, hint, since, seen_at
FROM alarm
WHERE pack IN (:pack, '') AND ended_at IS NULL AND coalesce(until > now(), true)
ORDER BY since, name, subject
