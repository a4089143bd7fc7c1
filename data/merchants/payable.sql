-- What merchants sold per Korean business day: the raw material of payouts, see data/merchants/payout.py.
-- Parameters: %(first)s and %(last)s, the first and the last business date (inclusive). Grain: merchant, business date.
-- The period is cut by occurred_at itself so that its index is used.
SELECT merchant_id,
       (occurred_at AT TIME ZONE 'Asia/Seoul')::date                              AS business_date,
       sum(CASE kind WHEN 'APPROVAL' THEN amount WHEN 'CANCEL' THEN -amount END)::bigint AS amount
FROM transactions
WHERE occurred_at >= %(first)s::date::timestamp AT TIME ZONE 'Asia/Seoul'
  AND occurred_at < (%(last)s::date + 1)::timestamp AT TIME ZONE 'Asia/Seoul'
  AND merchant_id IS NOT NULL
GROUP BY merchant_id, business_date
