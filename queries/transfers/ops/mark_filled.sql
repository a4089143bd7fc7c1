-- The windows that versions ask are full from now on: they were warming.
-- Parameters: rules, versions (arrays side by side), at. Grain: one row per version that was warming.
UPDATE transfers.rule_version AS v
SET filled_at = :at
FROM unnest(CAST(:rules AS text[]), CAST(:versions AS integer[])) AS full_of (rule, version)
WHERE v.rule = full_of.rule AND v.version = full_of.version AND v.filled_at IS NULL
RETURNING v.rule, v.version
