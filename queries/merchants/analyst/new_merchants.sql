-- Question: Who sold for the first time in the published history?
-- 질문: 게시된 기간에 처음 판매한 가맹점은?
-- Grain: one row per merchant, the largest amount first
-- Parameter: since date = yesterday : first sold on this business day or later
-- Parameter: top integer = 50 : rows
WITH new AS (
    SELECT
        merchant_id,
        min(business_date) AS first_sold,
        sum(approval_count)::BIGINT AS approval_count,
        sum(approval_amount)::BIGINT AS approval_amount
    FROM merchant_day
    WHERE approval_count > 0
    GROUP BY merchant_id
    HAVING first_sold >= $since::DATE
    ORDER BY approval_amount DESC, merchant_id
    LIMIT $top::BIGINT
)
SELECT merchant_id, merchant_name, first_sold, approval_count, approval_amount
FROM new
LEFT JOIN merchant USING (merchant_id)
ORDER BY approval_amount DESC, merchant_id
