-- Question: How is the exposure spread over categories and states?
-- 질문: 노출 금액은 업종과 상태별로 어떻게 나뉘는가?
-- Grain: one row per category and state; merchants whose amounts are not known are counted apart
SELECT
    category,
    state,
    count(*) AS merchants,
    count(*) FILTER (WHERE unrecovered IS NULL) AS unknown_merchants,
    sum(paid_out_cancelable)::BIGINT AS paid_out_cancelable,
    sum(unrecovered)::BIGINT AS unrecovered,
    sum(pending_payout)::BIGINT AS pending_payout,
    sum(expected_loss)::BIGINT AS expected_loss
FROM exposure_now
LEFT JOIN merchant USING (merchant_id)
GROUP BY category, state
ORDER BY category NULLS LAST, state
