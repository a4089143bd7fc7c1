-- Template of `totals` for another company's tables: {rows} are its rows, of which {occurred_at} is the time.
-- kind is compared byte by byte: a collation that takes 'cancel' for 'CANCEL' would count otherwise than we do.
-- Parameters: start (included), end (excluded), both in UTC. Grain: one row per minute that has a transaction.

SELECT
    TIMESTAMP '1970-01-01 00:00:00' + INTERVAL minute_number MINUTE  AS minute_utc,
    COUNT(*)                                                         AS `rows`,
    COUNT(CASE WHEN CAST(kind AS BINARY) = 'CANCEL' THEN 1 END)      AS cancels,
    CAST(COALESCE(SUM(amount), 0) AS CHAR)                           AS amount
FROM (
    SELECT TIMESTAMPDIFF(MINUTE, '1970-01-01 00:00:00', {occurred_at}) AS minute_number, kind, amount
    FROM (
{rows}
    ) AS found
) AS counted
GROUP BY minute_number
