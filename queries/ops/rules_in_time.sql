-- What has been in force from which minute on, and which rules were paused from when until when, oldest first.
-- Parameters: pack. Grain: one row per approved version (with `version`) or pause (with `rule`).
SELECT in_force_from AS start, version, NULL AS rule, NULL::timestamptz AS ends
FROM rule_version
WHERE pack = :pack AND status = 'approved'
UNION ALL
SELECT from_minute, NULL, rule, until_minute
FROM rule_pause
WHERE pack = :pack AND until_minute > from_minute
ORDER BY start, version, rule
