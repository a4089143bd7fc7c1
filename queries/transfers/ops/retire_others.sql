-- The versions of an event rule that stood in a place which another one takes are retired.
-- Parameters: rule, version (the one that stays), status (the place). Grain: one row per retired version.
UPDATE transfers.rule_version
SET status = 'retired'
WHERE rule = :rule AND version <> :version AND status = :status
RETURNING version
