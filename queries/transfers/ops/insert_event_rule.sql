-- A new version of an event rule, and the rule where there was none of that name.
-- Parameters: rule, content, sha256, status, reason, author, author_id. Grain: one row.
WITH named AS (
    INSERT INTO transfers.rule (rule, created_by) VALUES (:rule, :author) ON CONFLICT (rule) DO NOTHING
)
INSERT INTO transfers.rule_version (rule, version, content, sha256, status, reason, author, author_id)
SELECT :rule, coalesce(max(version), 0) + 1, :content, :sha256, :status, :reason, :author, :author_id
FROM transfers.rule_version
WHERE rule = :rule
RETURNING version
