-- What each event rule found on a business day, live and in the dark.
-- Parameters: start, stop (stop excluded). Grain: one row per rule and mode, most hits first.
SELECT rule, mode, count(*) FILTER (WHERE corrected_at IS NULL) AS hits,
       count(*) FILTER (WHERE corrected_at IS NOT NULL) AS corrected, count(*) FILTER (WHERE late) AS late
FROM transfers.risk_rule_hit
WHERE occurred_at >= :start AND occurred_at < :stop
GROUP BY rule, mode
ORDER BY mode, hits DESC, rule
