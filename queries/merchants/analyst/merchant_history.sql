-- Question: What did one merchant sell, cancel and owe on each business day?
-- 질문: 한 가맹점은 영업일마다 얼마를 팔고 취소했고, 노출은 얼마였는가?
-- Grain: one row per business day with sales or a book
-- Parameter: merchant text : the merchant's id
-- Parameter: since date = week_ago : the first business day
WITH sold AS (
    SELECT business_date, approval_count, cancel_count, approval_amount, cancel_amount
    FROM merchant_day
    WHERE merchant_id = $merchant AND business_date >= $since::DATE
),
booked AS (
    SELECT business_date, state, paid_out_cancelable, unrecovered, pending_payout, expected_loss
    FROM exposure_day
    WHERE merchant_id = $merchant AND business_date >= $since::DATE
)
SELECT
    business_date,
    approval_count,
    cancel_count,
    approval_amount,
    cancel_amount,
    state,
    paid_out_cancelable,
    unrecovered,
    pending_payout,
    expected_loss
FROM sold
FULL JOIN booked USING (business_date)
ORDER BY business_date
