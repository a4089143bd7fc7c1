-- Question: How much will be paid out on each coming payday, and what is likely to be lost of those merchants?
-- 질문: 다가오는 지급일마다 얼마가 지급되고, 그 가맹점들의 예상 손실은 얼마인가?
-- Grain: one row per payday; null: the merchants whose payday is not known
SELECT
    next_payout_date,
    count(*) AS merchants,
    sum(next_payout)::BIGINT AS next_payout,
    sum(pending_payout)::BIGINT AS pending_payout,
    sum(paid_out_cancelable)::BIGINT AS paid_out_cancelable,
    sum(unrecovered)::BIGINT AS unrecovered,
    sum(expected_loss)::BIGINT AS expected_loss
FROM exposure_now
GROUP BY next_payout_date
ORDER BY next_payout_date NULLS LAST
