-- Check: Whoever is paid out has sales or cancels.
-- 검사: 정산을 지급받는 가맹점에는 결제나 취소가 있다.
-- Severity: warning
-- Next: compare the merchant ids of the queries `settlements` and `transactions`: the same merchant has another id there
SELECT
    merchant_id,
    count(*) AS payouts,
    sum(amount)::BIGINT AS amount,
    min(business_date)::VARCHAR AS first_business_date
FROM settlement
WHERE wrong IS NULL
  AND amount <> 0
  -- Sales of the day that the published minutes cut, and of days before, may lie before them.
  AND business_date > (SELECT business_day(min(minute)) FROM minute_ledger)
  AND merchant_id NOT IN (SELECT merchant_id FROM merchant_day)
GROUP BY merchant_id
ORDER BY merchant_id
