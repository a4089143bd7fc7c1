-- Template of `totals` for another company's tables: {rows} are its rows, of which {occurred_at} is the time.
-- Parameters: $1 start, $2 end (timestamptz). Grain: one row per minute that has a transaction.

SELECT
    date_trunc('minute', {occurred_at}, 'UTC')        AS minute,
    count(*)                                        AS rows,
    count(*) FILTER (WHERE kind = 'CANCEL')         AS cancels,
    coalesce(sum(amount), 0)::text                  AS amount
FROM (
{rows}
) AS counted
GROUP BY 1
