-- How many rows the audit has, and when somebody last had it verified.
-- Parameters: none. Grain: one row; the columns of an audit that was never verified are null.
SELECT (SELECT coalesce(max(number), 0) FROM audit) AS rows, last.at, last.actor, last.after
FROM (SELECT 1) AS one
LEFT JOIN (
    SELECT at, actor, after
    FROM audit
    WHERE kind = 'audit' AND thing = '' AND act = 'verify_audit' AND outcome = 'done'
    ORDER BY number DESC
    LIMIT 1
) AS last ON true
