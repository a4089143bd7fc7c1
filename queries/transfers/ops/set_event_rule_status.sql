-- Let a version of an event rule stand as something else from now on.
-- Parameters: rule, version, status. Grain: one row.
UPDATE transfers.rule_version SET status = :status WHERE rule = :rule AND version = :version RETURNING version
