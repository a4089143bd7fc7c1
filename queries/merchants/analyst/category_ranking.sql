-- Question: Which categories cancelled most on a business day?
-- 질문: 하루 동안 취소율이 가장 높은 업종은?
-- Grain: one row per category, the highest cancel rate first; null: not known
-- Parameter: day date = yesterday : the business day
SELECT
    category,
    count(*) AS merchants,
    sum(approval_count)::BIGINT AS approval_count,
    sum(cancel_count)::BIGINT AS cancel_count,
    sum(approval_amount)::BIGINT AS approval_amount,
    sum(cancel_amount)::BIGINT AS cancel_amount,
    sum(cancel_count) / nullif(sum(approval_count), 0) AS cancel_rate
FROM merchant_day
LEFT JOIN merchant USING (merchant_id)
WHERE business_date = $day::DATE
GROUP BY category
ORDER BY cancel_rate DESC NULLS LAST, category
