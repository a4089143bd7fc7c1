-- Question: How much of each business day's approved amount do the largest merchants carry?
-- 질문: 영업일마다 승인 금액이 큰 가맹점에 얼마나 몰려 있는가?
-- Grain: one row per business day
-- Parameter: since date = week_ago : the first business day
-- Parameter: top integer = 100 : how many merchants are the largest
WITH ranked AS (
    SELECT
        business_date,
        approval_amount,
        row_number() OVER (PARTITION BY business_date ORDER BY approval_amount DESC, merchant_id) AS place
    FROM merchant_day
    WHERE business_date >= $since::DATE
)
SELECT
    business_date,
    count(*) AS merchants,
    sum(approval_amount)::BIGINT AS approval_amount,
    coalesce(sum(approval_amount) FILTER (WHERE place <= $top::BIGINT), 0)::BIGINT AS top_amount,
    coalesce(sum(approval_amount) FILTER (WHERE place <= $top::BIGINT), 0) / nullif(sum(approval_amount), 0)
        AS top_share
FROM ranked
GROUP BY business_date
ORDER BY business_date
