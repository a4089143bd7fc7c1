-- The accounts with most payments that were not allowed on a business day.
-- Parameters: start, stop (stop excluded), at_most. Grain: one row per account, the most first.
SELECT account_id, count(*) AS payments, count(*) FILTER (WHERE decision = 'block') AS blocked, max(score) AS score
FROM transfers.risk_log
WHERE decision <> 'allow' AND occurred_at >= :start AND occurred_at < :stop
GROUP BY account_id
ORDER BY blocked DESC, payments DESC, account_id
LIMIT :at_most
