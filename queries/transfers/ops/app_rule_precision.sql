-- How often each event rule was right in a period, by what people and the company said of the payments.
-- Parameters: start, stop (stop excluded). Grain: one row per rule and mode; hits that turned out wrong are left out, one
-- payment counts once whichever versions fired. `frauds` are all that are known of that time.
WITH hits AS (
    SELECT DISTINCT rule, mode, transfer_id
    FROM transfers.risk_rule_hit
    WHERE occurred_at >= :start AND occurred_at < :stop AND corrected_at IS NULL
),
labels AS (
    SELECT count(*) FILTER (WHERE o.fraud) AS frauds
    FROM transfers.outcome AS o
    JOIN transfers.risk_log AS l USING (transfer_id)
    WHERE l.occurred_at >= :start AND l.occurred_at < :stop
)
SELECT hits.rule, hits.mode, count(*) AS hits,
       count(*) FILTER (WHERE o.fraud) AS true_hits, count(*) FILTER (WHERE NOT o.fraud) AS false_hits,
       max(labels.frauds) AS frauds
FROM hits
CROSS JOIN labels
LEFT JOIN transfers.outcome AS o USING (transfer_id)
GROUP BY hits.rule, hits.mode
ORDER BY hits.mode, hits.rule
