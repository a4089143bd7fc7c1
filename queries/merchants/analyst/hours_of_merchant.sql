-- Question: How does one merchant's business day look, hour by hour?
-- 질문: 한 가맹점의 하루는 시간대별로 어떤가?
-- Grain: one row per hour of the business day in which anything happened
-- Parameter: merchant text : the merchant's id
-- Parameter: since date = week_ago : the first business day
SELECT
    minute_of_day(minute) // 60 AS hour_of_day,
    count(DISTINCT business_day(minute)) AS days,
    sum(approval_count)::BIGINT AS approval_count,
    sum(cancel_count)::BIGINT AS cancel_count,
    sum(approval_amount)::BIGINT AS approval_amount
FROM merchant_minute
WHERE merchant_id = $merchant AND minute >= start_of($since::DATE)
GROUP BY hour_of_day
ORDER BY hour_of_day
