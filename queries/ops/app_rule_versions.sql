-- The newest versions of the tuned numbers, and which of them judges the next minute.
-- Parameters: pack, at_most (rows). Grain: one row per version, that one first, then newest first; without texts.
SELECT version, parent, instead_of, origin, status, reason, author, author_id, created_at, submitted_by,
       submitted_by_id, approved_by, withdrawn_by, in_force_from, backtest IS NOT NULL AS measured,
       version = (
           SELECT version
           FROM rule_version
           WHERE pack = :pack AND status = 'approved'
             AND in_force_from <= coalesce((SELECT next_minute FROM watermark WHERE pack = :pack), now())
           ORDER BY in_force_from DESC, version DESC
           LIMIT 1
       ) IS TRUE AS in_force
FROM rule_version
WHERE pack = :pack
ORDER BY in_force DESC, version DESC
LIMIT :at_most
