-- Question: Who had sales cancelled after they were paid out?
-- 질문: 지급된 뒤에 매출이 취소된 가맹점은?
-- Grain: one row per merchant, the largest amount first
-- Parameter: since date = week_ago : cancels of this business day or later
-- Parameter: top integer = 50 : rows
WITH paid AS (
    SELECT merchant_id, business_date AS approval_date, min(minute) AS paid_minute
    FROM settlement
    WHERE wrong IS NULL
    GROUP BY merchant_id, business_date
)
SELECT
    merchant_id,
    max(merchant_name) AS merchant_name,
    sum(cancel_count)::BIGINT AS cancel_count,
    sum(cancel_amount)::BIGINT AS cancel_amount
FROM cancel_cohort
JOIN paid USING (merchant_id, approval_date)
LEFT JOIN merchant USING (merchant_id)
WHERE minute > paid_minute AND minute >= start_of($since::DATE)
GROUP BY merchant_id
ORDER BY cancel_amount DESC, merchant_id
LIMIT $top::BIGINT
