-- Question: Who sold nothing for days and then a lot on one business day?
-- 질문: 며칠 동안 매출이 없다가 하루에 크게 판 가맹점은?
-- Grain: one row per merchant, the largest amount first
-- Parameter: day date = yesterday : the business day of the burst
-- Parameter: quiet_days integer = 5 : business days before it without any approval
-- Parameter: amount integer = 1000000 : approved at least on that day, minor units
WITH burst AS (
    SELECT merchant_id, approval_count, approval_amount
    FROM merchant_day
    WHERE business_date = $day::DATE AND approval_amount >= $amount::BIGINT
)
SELECT
    merchant_id,
    merchant_name,
    burst.approval_count,
    burst.approval_amount,
    max(earlier.business_date) AS last_sold
FROM burst
LEFT JOIN merchant USING (merchant_id)
LEFT JOIN merchant_day AS earlier
    ON earlier.merchant_id = burst.merchant_id
    AND earlier.business_date < $day::DATE
    AND earlier.approval_count > 0
GROUP BY ALL
HAVING max(earlier.business_date) IS NULL OR max(earlier.business_date) < $day::DATE - $quiet_days::INTEGER
ORDER BY burst.approval_amount DESC, merchant_id
