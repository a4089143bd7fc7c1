-- Which versions of event rules judge the events of which times, and when rules are paused.
-- Parameters: since (only spans that reach past it). Grain: one row per span, with the version's text.
SELECT rule, version, mode, from_at, until_at, content
FROM transfers.rule_span
JOIN transfers.rule_version USING (rule, version)
WHERE until_at IS NULL OR (until_at > :since AND until_at > from_at)
ORDER BY rule, version, from_at, mode
