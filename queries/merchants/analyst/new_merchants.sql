-- Question: Who sold for the first time in the published history?
-- 질문: 게시된 기간에 처음 판매한 가맹점은?
-- Grain: one row per merchant, the largest amount first
-- Parameter: since date = yesterday : first sold on this business day or later
-- Parameter: top integer = 50 : rows
SELECT
    merchant_id,
    max(merchant_name) AS merchant_name,
    min(business_date) AS first_sold,
    sum(approval_count)::BIGINT AS approval_count,
    sum(approval_amount)::BIGINT AS approval_amount
FROM merchant_day
LEFT JOIN merchant USING (merchant_id)
WHERE approval_count > 0
GROUP BY merchant_id
HAVING min(business_date) >= $since::DATE
ORDER BY approval_amount DESC, merchant_id
LIMIT $top::BIGINT
