-- Question: How much of what each category sold is cancelled within some days of the approval?
-- 질문: 업종마다 판매한 금액이 며칠 안에 얼마나 취소되는가?
-- Grain: one row per category; null: the merchants whose category is not known
-- Parameter: since date = week_ago : the first business day of approvals
-- Parameter: until date = yesterday : the last one, included
-- Parameter: days integer = 3 : cancels up to this age count
WITH approved AS (
    SELECT merchant_id, sum(approval_amount)::BIGINT AS approval_amount
    FROM merchant_day
    WHERE business_date BETWEEN $since::DATE AND $until::DATE
    GROUP BY merchant_id
),
cancelled AS (
    SELECT merchant_id, sum(cancel_amount)::BIGINT AS cancel_amount
    FROM cancel_cohort
    WHERE approval_date BETWEEN $since::DATE AND $until::DATE
      AND business_day(minute) - approval_date <= $days::BIGINT
    GROUP BY merchant_id
)
SELECT
    category,
    sum(approval_amount)::BIGINT AS approval_amount,
    coalesce(sum(cancel_amount), 0)::BIGINT AS cancel_amount,
    coalesce(sum(cancel_amount), 0) / nullif(sum(approval_amount), 0) AS cancelled_share
FROM approved
LEFT JOIN cancelled USING (merchant_id)
LEFT JOIN merchant USING (merchant_id)
GROUP BY category
ORDER BY cancelled_share DESC NULLS LAST, category
