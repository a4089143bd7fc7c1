-- Question: On whom is most likely to be lost now?
-- 질문: 지금 예상 손실이 가장 큰 가맹점은?
-- Grain: one row per merchant, the largest expected loss first, then the largest money at risk
-- Parameter: top integer = 50 : rows
SELECT
    merchant_id,
    merchant_name,
    category,
    state,
    expected_loss,
    expected_loss_low,
    expected_loss_high,
    paid_out_cancelable,
    unrecovered,
    paid_out_cancelable + unrecovered AS at_risk,
    pending_payout,
    next_payout_date
FROM exposure_now
LEFT JOIN merchant USING (merchant_id)
ORDER BY expected_loss DESC NULLS LAST, at_risk DESC NULLS LAST, merchant_id
LIMIT $top::BIGINT
