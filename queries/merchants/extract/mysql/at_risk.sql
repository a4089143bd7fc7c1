-- Name and payouts of some merchants, for the money at risk. The cancels come from our own minutes, because
-- a trade table is rarely indexed by merchant and time.
-- Parameters: merchants (list of ids), today (date, business day), cancelable_days (int), moment (UTC).
-- Grain: one row per merchant that the merchants table knows or that was ever paid out.
WITH paid AS (
    SELECT
        merchant_id,
        MAX(business_date)                                                                  AS settled_through,
        SUM(CASE WHEN business_date >= %(today)s - INTERVAL %(cancelable_days)s DAY THEN amount ELSE 0 END)
                                                                                            AS paid_out
    FROM settlements
    WHERE merchant_id IN %(merchants)s AND settled_at <= %(moment)s
    GROUP BY merchant_id
),
known AS (
    SELECT merchant_id FROM merchants WHERE merchant_id IN %(merchants)s
    UNION
    SELECT merchant_id FROM paid
)
SELECT
    CAST(known.merchant_id AS CHAR)           AS merchant_id,
    merchants.name                            AS merchant_name,
    paid.settled_through,
    CAST(COALESCE(paid.paid_out, 0) AS SIGNED) AS paid_out
FROM known
LEFT JOIN merchants ON merchants.merchant_id = known.merchant_id
LEFT JOIN paid ON paid.merchant_id = known.merchant_id
