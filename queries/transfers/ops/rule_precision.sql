-- How often each event rule was right, by what people and the company said of the transfers.
-- Parameters: since (events from then on). Grain: one row per rule and mode; hits that turned out wrong are left out, one
-- transfer counts once whichever versions fired. `precision` null: nobody said anything. `known` and `frauds` are those
-- of all judged transfers of that time.
WITH hits AS (
    SELECT DISTINCT rule, mode, transfer_id
    FROM transfers.risk_rule_hit
    WHERE occurred_at >= :since AND corrected_at IS NULL
),
labels AS (
    SELECT count(*) AS known, count(*) FILTER (WHERE o.fraud) AS frauds
    FROM transfers.outcome AS o
    JOIN transfers.risk_log AS l USING (transfer_id)
    WHERE l.occurred_at >= :since
)
SELECT hits.rule, hits.mode, count(*) AS hits,
       count(*) FILTER (WHERE o.fraud) AS true_hits, count(*) FILTER (WHERE NOT o.fraud) AS false_hits,
       count(*) FILTER (WHERE o.fraud)::float8 / nullif(count(o.fraud), 0) AS precision,
       max(labels.known) AS known, max(labels.frauds) AS frauds
FROM hits
CROSS JOIN labels
LEFT JOIN transfers.outcome AS o USING (transfer_id)
GROUP BY hits.rule, hits.mode
ORDER BY hits.rule, hits.mode
