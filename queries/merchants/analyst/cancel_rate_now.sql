-- Question: Whose cancel rate of the last hour is furthest above that of its week?
-- 질문: 최근 1시간 취소율이 지난 7일보다 가장 높은 가맹점은?
-- Grain: one row per merchant, the most cancels above the usual first
-- Parameter: minimum integer = 5 : cancels of the last hour
-- Parameter: top integer = 50 : rows
SELECT
    merchant_id,
    merchant_name,
    tier,
    hour_cancel_count,
    hour_approval_count,
    hour_cancel_count / nullif(hour_approval_count, 0) AS hour_cancel_rate,
    week_cancel_count / nullif(week_approval_count, 0) AS week_cancel_rate,
    hour_cancel_count - hour_approval_count * week_cancel_count / nullif(week_approval_count, 0) AS above_usual
FROM baseline_now
LEFT JOIN merchant USING (merchant_id)
WHERE hour_cancel_count >= $minimum::BIGINT
ORDER BY above_usual DESC NULLS LAST, merchant_id
LIMIT $top::BIGINT
