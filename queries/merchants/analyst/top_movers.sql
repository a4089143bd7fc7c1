-- Question: Whose approved amount moved most from one business day to another?
-- 질문: 두 영업일 사이에 승인 금액이 가장 크게 움직인 가맹점은?
-- Grain: one row per merchant, the largest movement first
-- Parameter: day date = yesterday : the later business day
-- Parameter: before date = week_ago : the business day it is compared with
-- Parameter: top integer = 20 : rows
WITH moved AS (
    SELECT
        merchant_id,
        coalesce(sum(approval_amount) FILTER (WHERE business_date = $before::DATE), 0)::BIGINT AS before_amount,
        coalesce(sum(approval_amount) FILTER (WHERE business_date = $day::DATE), 0)::BIGINT AS day_amount
    FROM merchant_day
    WHERE business_date IN ($day::DATE, $before::DATE)
    GROUP BY merchant_id
)
SELECT
    merchant_id,
    merchant_name,
    before_amount,
    day_amount,
    day_amount - before_amount AS moved_amount,
    day_amount / nullif(before_amount, 0) AS times
FROM moved
LEFT JOIN merchant USING (merchant_id)
ORDER BY abs(moved_amount) DESC, merchant_id
LIMIT $top::BIGINT
