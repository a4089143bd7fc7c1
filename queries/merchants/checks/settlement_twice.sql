-- Check: No business day of a merchant is paid out twice.
-- 검사: 같은 가맹점의 같은 영업일이 두 번 지급되지 않았다.
-- Severity: warning
-- Next: ask whoever keeps the payouts whether the second one is an error; the book counts the first one
SELECT merchant_id, business_date::VARCHAR AS business_date, count(*) AS payouts, sum(amount)::BIGINT AS amount
FROM settlement
WHERE wrong IS NULL
GROUP BY merchant_id, business_date
HAVING count(*) > 1
ORDER BY merchant_id, business_date
