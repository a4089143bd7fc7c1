-- Question: Who cancels many times more than the other merchants of its category?
-- 질문: 같은 업종의 다른 가맹점보다 취소율이 몇 배 높은 가맹점은?
-- Grain: one row per merchant, the largest factor first
-- Parameter: day date = yesterday : the business day
-- Parameter: times number = 3 : how often more than the others of its category
-- Parameter: minimum integer = 10 : cancels that it needs
WITH counted AS (
    SELECT merchant_id, merchant_name, category, approval_count, cancel_count
    FROM merchant_day
    JOIN merchant USING (merchant_id)
    WHERE business_date = $day::DATE AND category IS NOT NULL
),
among AS (
    SELECT
        *,
        sum(approval_count) OVER (PARTITION BY category) - approval_count AS others_approval_count,
        sum(cancel_count) OVER (PARTITION BY category) - cancel_count AS others_cancel_count
    FROM counted
)
SELECT
    merchant_id,
    merchant_name,
    category,
    cancel_count,
    cancel_count / nullif(approval_count, 0) AS cancel_rate,
    others_cancel_count / nullif(others_approval_count, 0) AS others_cancel_rate
FROM among
WHERE cancel_count >= $minimum::BIGINT
  AND approval_count > 0
  AND cancel_count * others_approval_count >= $times::DOUBLE * others_cancel_count * approval_count
  AND others_approval_count > 0
ORDER BY cancel_rate / nullif(others_cancel_rate, 0) DESC NULLS FIRST, merchant_id
