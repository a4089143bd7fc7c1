-- A new version.
-- Parameters: pack, parent, instead_of, origin, numbers, reason, status, author, author_id, in_force_from. Grain: one row.
INSERT INTO rule_version (
    pack, version, parent, instead_of, origin, numbers, reason, status, author, author_id, in_force_from
)
SELECT :pack, coalesce(max(version), 0) + 1, :parent, :instead_of, :origin, :numbers, :reason, :status, :author,
       :author_id, CAST(:in_force_from AS timestamptz)
FROM rule_version
WHERE pack = :pack
RETURNING version
