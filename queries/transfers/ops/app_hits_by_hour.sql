-- How many hits each event rule had, by business day and hour of it; those that turned out wrong beside.
-- Parameters: start, stop (stop excluded), zone (of the business day). Grain: one row per rule, day and hour with any.
SELECT rule,
       CAST(occurred_at AT TIME ZONE :zone AS date) AS day,
       CAST(extract(hour FROM occurred_at AT TIME ZONE :zone) AS integer) AS hour,
       count(*) FILTER (WHERE corrected_at IS NULL) AS hits,
       count(*) FILTER (WHERE corrected_at IS NOT NULL) AS corrected
FROM transfers.risk_rule_hit
WHERE mode = 'live' AND occurred_at >= :start AND occurred_at < :stop
GROUP BY rule, day, hour
ORDER BY day, hour, rule
