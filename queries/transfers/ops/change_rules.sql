-- Let nobody else change event rules or lists until this transaction ends, and let readers see that something changed.
-- Parameters: none. Grain: one row.
UPDATE transfers.rule_revision SET revision = revision + 1 RETURNING revision
