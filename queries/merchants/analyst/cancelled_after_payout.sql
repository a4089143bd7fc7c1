-- Question: Who had sales cancelled after they were paid out?
-- 질문: 지급된 뒤에 매출이 취소된 가맹점은?
-- Grain: one row per merchant, the largest amount first
-- Parameter: since date = week_ago : cancels of this business day or later
-- Parameter: top integer = 50 : rows
WITH cancelled AS (
    SELECT merchant_id, sum(cancel_count)::BIGINT AS cancel_count, sum(cancel_amount)::BIGINT AS cancel_amount
    FROM cancel_cohort
    SEMI JOIN settlement
        ON wrong IS NULL
        AND settlement.merchant_id = cancel_cohort.merchant_id
        AND settlement.business_date = cancel_cohort.approval_date
        AND settlement.minute < cancel_cohort.minute
    WHERE cancel_cohort.minute >= start_of($since::DATE)
    GROUP BY cancel_cohort.merchant_id
    ORDER BY cancel_amount DESC, merchant_id
    LIMIT $top::BIGINT
)
SELECT merchant_id, merchant_name, cancel_count, cancel_amount
FROM cancelled
LEFT JOIN merchant USING (merchant_id)
ORDER BY cancel_amount DESC, merchant_id
