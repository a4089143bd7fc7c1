-- Question: Who sells far less today than at the same time of day on recent business days?
-- 질문: 오늘 같은 시각까지의 매출이 최근 영업일보다 크게 적은 가맹점은?
-- Grain: one row per merchant, the largest missing amount first
-- Parameter: share number = 0.5 : at most this share of the usual
-- Parameter: amount integer = 1000000 : usual amount up to now, minor units a day
-- Parameter: top integer = 50 : rows
SELECT
    merchant_id,
    merchant_name,
    tier,
    today_approval_amount,
    recent_paced_amount / nullif(recent_day_count, 0) AS usual_amount,
    today_approval_amount * recent_day_count / nullif(recent_paced_amount, 0) AS share
FROM baseline_now
LEFT JOIN merchant USING (merchant_id)
WHERE recent_day_count > 0
  AND recent_paced_amount >= $amount::BIGINT * recent_day_count
  AND today_approval_amount * recent_day_count <= $share::DOUBLE * recent_paced_amount
ORDER BY usual_amount - today_approval_amount DESC, merchant_id
LIMIT $top::BIGINT
