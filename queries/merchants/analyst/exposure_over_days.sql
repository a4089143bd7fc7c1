-- Question: How did the whole exposure develop over the business days?
-- 질문: 전체 노출 금액은 영업일마다 어떻게 변했는가?
-- Grain: one row per business day, at its end; of today at the newest minute
-- Parameter: since date = week_ago : the first business day
SELECT
    business_date,
    count(*) AS merchants,
    sum(paid_out_cancelable)::BIGINT AS paid_out_cancelable,
    sum(unrecovered)::BIGINT AS unrecovered,
    sum(pending_payout)::BIGINT AS pending_payout,
    sum(expected_loss)::BIGINT AS expected_loss
FROM exposure_day
WHERE business_date >= $since::DATE
GROUP BY business_date
ORDER BY business_date
