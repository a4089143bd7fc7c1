-- Question: Which share of a business day's approvals is cancelled, by the age of the approval in days?
-- 질문: 하루 승인 금액 가운데 며칠 뒤에 얼마나 취소되는가?
-- Grain: one row per age in days
-- Parameter: since date = week_ago : the first business day of approvals that is looked at
-- Parameter: until date = yesterday : the last one, included
WITH approved AS (
    SELECT business_date, sum(approval_amount)::BIGINT AS amount
    FROM merchant_day
    WHERE business_date BETWEEN $since::DATE AND $until::DATE
    GROUP BY business_date
),
newest AS (
    SELECT max(business_day(minute)) AS day FROM minute_ledger
),
cancelled AS (
    SELECT
        approval_date,
        business_day(minute) - approval_date AS age_days,
        sum(cancel_count)::BIGINT AS cancel_count,
        sum(cancel_amount)::BIGINT AS cancel_amount
    FROM cancel_cohort
    WHERE approval_date BETWEEN $since::DATE AND $until::DATE
    GROUP BY ALL
),
ages AS (
    SELECT n AS age_days, sum(amount)::BIGINT AS approval_amount
    FROM approved
    CROSS JOIN newest
    CROSS JOIN range(400) AS r(n)
    WHERE business_date + n::INTEGER <= newest.day
    GROUP BY n
)
SELECT
    ages.age_days,
    approval_amount,
    coalesce(sum(cancel_count), 0)::BIGINT AS cancel_count,
    coalesce(sum(cancel_amount), 0)::BIGINT AS cancel_amount,
    coalesce(sum(cancel_amount), 0) / nullif(approval_amount, 0) AS cancelled_share
FROM ages
LEFT JOIN cancelled USING (age_days)
GROUP BY ages.age_days, approval_amount
ORDER BY ages.age_days
