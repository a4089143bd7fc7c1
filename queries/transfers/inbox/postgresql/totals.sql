-- What the source holds per minute, for the comparison with the ledger (reconciliation).
-- Parameters: $1 start, $2 end (timestamptz). Grain: one row per minute that has a payment.
SELECT
    date_trunc('minute', occurred_at, 'UTC')         AS minute,
    count(*)                                         AS rows,
    count(*) FILTER (WHERE status = 'completed')     AS completed,
    coalesce(sum(amount), 0)::text                   AS amount
FROM transfers.event
WHERE occurred_at >= $1 AND occurred_at < $2
GROUP BY 1
