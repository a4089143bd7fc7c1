-- Name and payouts of some merchants, for the money at risk. The cancels come from our own minutes, because
-- a trade table is rarely indexed by merchant and time.
-- Parameters: merchants (array of ids), today (date, business day), cancelable_days (int), moment (timestamptz).
-- Grain: one row per merchant that the merchants table knows or that was ever paid out.
WITH paid AS (
    SELECT
        merchant_id,
        max(business_date)                                                              AS settled_through,
        coalesce(sum(amount) FILTER (WHERE business_date >= %(today)s::date - %(cancelable_days)s::int), 0)
                                                                                        AS paid_out
    FROM settlements
    WHERE merchant_id = ANY(%(merchants)s) AND settled_at <= %(moment)s
    GROUP BY merchant_id
)
SELECT
    coalesce(m.merchant_id, paid.merchant_id)::text AS merchant_id,
    m.name                                          AS merchant_name,
    paid.settled_through,
    coalesce(paid.paid_out, 0)::bigint              AS paid_out
FROM (SELECT merchant_id, name FROM merchants WHERE merchant_id = ANY(%(merchants)s)) AS m
FULL JOIN paid ON paid.merchant_id = m.merchant_id
