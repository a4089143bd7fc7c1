-- Check: No merchant's cancels of known approvals are more than all of its cancels on a business day.
-- 검사: 영업일마다 승인을 아는 취소는 가맹점의 전체 취소보다 많지 않다.
-- Severity: error
-- Next: run `minuterisk reconcile` over that day; its minutes are read again
WITH cohort AS (
    SELECT business_day(minute) AS business_date, merchant_id, sum(cancel_count) AS count, sum(cancel_amount) AS amount
    FROM cancel_cohort
    GROUP BY ALL
)
SELECT business_date::VARCHAR AS business_date, merchant_id, count, cancel_count, amount, cancel_amount
FROM cohort
-- A merchant without a row of that day has no cancels that these could be among.
LEFT JOIN merchant_day USING (business_date, merchant_id)
WHERE (count > coalesce(cancel_count, 0) OR amount > coalesce(cancel_amount, 0))
  AND business_date >= (SELECT min(business_date) FROM merchant_day)
ORDER BY business_date, merchant_id
