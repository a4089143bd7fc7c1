-- The tuned numbers in force at a minute.
-- Parameters: pack, minute. Grain: one row; none where no version was in force.
SELECT numbers
FROM rule_version
WHERE pack = :pack AND status = 'approved' AND in_force_from <= :minute
ORDER BY in_force_from DESC, version DESC
LIMIT 1
