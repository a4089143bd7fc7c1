-- Name and payouts of some merchants, for the money at risk; the cancels come from our own minutes.
-- Parameters: merchants (list of ids), today (date, business day), cancelable_days (int), moment (UTC).
-- Grain: one row per merchant that was ever paid out or that the merchants table knows.

WITH paid AS (
    SELECT
        p.{paid_merchant} AS merchant_id,
        MAX(p.{day})      AS settled_through,
        SUM(CASE WHEN p.{day} >= %(today)s - INTERVAL %(cancelable_days)s DAY THEN p.{amount} ELSE 0 END){factor} AS paid_out
    FROM {payouts} AS p
    WHERE p.{paid_merchant} IN %(merchants)s AND {settled}
    GROUP BY p.{paid_merchant}
),
named AS (
    {known}
),
known AS (
    SELECT merchant_id FROM named
    UNION
    SELECT merchant_id FROM paid
)
SELECT
    CAST(known.merchant_id AS CHAR)            AS merchant_id,
    named.name                                 AS merchant_name,
    paid.settled_through,
    COALESCE(paid.paid_out, 0)                 AS paid_out
FROM known
LEFT JOIN named ON named.merchant_id = known.merchant_id
LEFT JOIN paid ON paid.merchant_id = known.merchant_id
