-- Question: How many days after the sales is each merchant paid out?
-- 질문: 가맹점마다 매출 며칠 뒤에 지급되는가?
-- Grain: one row per merchant
-- Parameter: since date = week_ago : payouts of this business day or later
SELECT
    merchant_id,
    count(*) AS payouts,
    min(business_day(settled_at) - business_date) AS shortest_days,
    max(business_day(settled_at) - business_date) AS longest_days,
    sum(amount)::BIGINT AS amount
FROM settlement
WHERE wrong IS NULL AND minute >= start_of($since::DATE)
GROUP BY merchant_id
ORDER BY longest_days DESC, merchant_id
