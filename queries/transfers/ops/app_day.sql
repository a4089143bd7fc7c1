-- What was decided on a business day, and what it was worth.
-- Parameters: start, stop (stop excluded). Grain: one row per decision other than allow, and currency.
SELECT l.decision, coalesce(e.currency, '') AS currency, count(*) AS payments, count(DISTINCT l.account_id) AS accounts,
       coalesce(sum(e.amount), 0)::bigint AS amount, count(*) FILTER (WHERE l.late) AS late,
       count(*) FILTER (WHERE l.revision > 0) AS revised, count(*) FILTER (WHERE l.why = 'denied') AS denied
FROM transfers.risk_log AS l
LEFT JOIN transfers.event AS e USING (transfer_id)
WHERE l.decision <> 'allow' AND l.occurred_at >= :start AND l.occurred_at < :stop
GROUP BY l.decision, e.currency
ORDER BY l.decision, payments DESC
