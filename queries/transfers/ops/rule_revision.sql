-- A number that grows with each change of event rules and lists: while it is the same, nothing has to be read again.
-- Parameters: none. Grain: one row.
SELECT revision FROM transfers.rule_revision
