-- What is or was wrong with a pack or with the whole installation since a time: what is wrong now first.
-- Parameters: pack, since, at_most (integer, rows).
-- Grain: one row per alarm and subject; ended_at is null while it is open.
SELECT
    name,
    subject,
    what,
    hint,
    since,
    seen_at,
    CASE WHEN ended_at IS NOT NULL THEN ended_at WHEN until <= now() THEN until END AS ended_at
FROM alarm
WHERE pack IN (:pack, '') AND (coalesce(ended_at, until) IS NULL OR coalesce(ended_at, until) >= :since)
ORDER BY (ended_at IS NULL AND coalesce(until > now(), true)) DESC, since DESC, name, subject
LIMIT :at_most
