-- Name and payouts of some merchants, for the money at risk; the cancels come from our own minutes.
-- Parameters: merchants (array of ids), today (date, business day), cancelable_days (int), moment (timestamptz).
-- Grain: one row per merchant that was ever paid out or that the merchants table knows.

WITH paid AS (
    SELECT
        p.{paid_merchant} AS merchant_id,
        max(p.{day})      AS settled_through,
        coalesce(sum(p.{amount}) FILTER (WHERE p.{day} >= %(today)s::date - %(cancelable_days)s::int), 0){factor} AS paid_out
    FROM {payouts} AS p
    WHERE p.{paid_merchant} = ANY(%(merchants)s::{type}[]) AND {settled}
    GROUP BY 1
),
known AS (
    {known}
)
SELECT
    coalesce(known.merchant_id, paid.merchant_id)::text AS merchant_id,
    known.name                                          AS merchant_name,
    paid.settled_through,
    coalesce(paid.paid_out, 0)                          AS paid_out
FROM known
FULL JOIN paid ON paid.merchant_id = known.merchant_id
