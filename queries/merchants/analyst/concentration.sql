-- Question: How much of each business day's approved amount do the largest merchants carry?
-- 질문: 영업일마다 승인 금액이 큰 가맹점에 얼마나 몰려 있는가?
-- Grain: one row per business day
-- Parameter: since date = week_ago : the first business day
-- Parameter: top integer = 100 : how many merchants are the largest
WITH days AS (
    SELECT
        business_date,
        count(*) AS merchants,
        sum(approval_amount)::BIGINT AS approval_amount,
        list_sum(max(approval_amount, $top::BIGINT))::BIGINT AS top_amount
    FROM merchant_day
    WHERE business_date >= $since::DATE
    GROUP BY business_date
)
SELECT business_date, merchants, approval_amount, top_amount, top_amount / nullif(approval_amount, 0) AS top_share
FROM days
ORDER BY business_date
