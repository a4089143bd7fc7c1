-- A version judges, or its rule is paused, from a moment on.
-- Parameters: rule, version, mode, from_at, until_at (null: until further notice), by, reason. Grain: none.
INSERT INTO transfers.rule_span (rule, version, mode, from_at, until_at, by, reason)
VALUES (:rule, :version, :mode, :from_at, :until_at, :by, :reason)
