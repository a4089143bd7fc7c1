-- What the source holds per minute, for the comparison with the ledger (late commits and reconciliation).
-- status is compared byte by byte: a collation that takes 'Completed' for 'completed' would count otherwise than we do.
-- Parameters: start (included), end (excluded), both in UTC. Grain: one row per minute that has a payment.
SELECT
    TIMESTAMP '1970-01-01 00:00:00' + INTERVAL minute_number MINUTE          AS minute_utc,
    COUNT(*)                                                                 AS `rows`,
    COUNT(CASE WHEN CAST(status AS BINARY) = 'completed' THEN 1 END)         AS completed,
    CAST(COALESCE(SUM(amount), 0) AS CHAR)                                   AS amount
FROM (
    SELECT TIMESTAMPDIFF(MINUTE, '1970-01-01 00:00:00', occurred_at) AS minute_number, status, amount
    FROM transfer
    WHERE occurred_at >= %(start)s AND occurred_at < %(end)s
) AS counted
GROUP BY minute_number
