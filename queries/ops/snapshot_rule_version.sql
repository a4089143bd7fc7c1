-- Versions of the tuned numbers for the analysts' file; reasons and names are left out.
-- Parameters: pack, since, at_most (integer, rows). Grain: one row per version, the newest first.
SELECT version, parent, instead_of, origin, status, author_id, approved_by_id, created_at, submitted_at, decided_at,
       withdrawn_at, in_force_from, numbers
FROM rule_version
WHERE pack = :pack AND created_at >= :since
ORDER BY created_at DESC, version DESC
LIMIT :at_most
