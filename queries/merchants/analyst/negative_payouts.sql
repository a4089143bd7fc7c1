-- Question: From whose payouts was something withheld, and how much?
-- 질문: 지급액이 음수였던 가맹점과 그 금액은?
-- Grain: one row per merchant, the most withheld first
-- Parameter: since date = week_ago : payouts of this business day or later
SELECT
    merchant_id,
    count(*) AS payouts,
    (-sum(amount))::BIGINT AS withheld_amount,
    max(business_date) AS newest_business_date
FROM settlement
WHERE wrong IS NULL AND amount < 0 AND minute >= start_of($since::DATE)
GROUP BY merchant_id
ORDER BY withheld_amount DESC, merchant_id
