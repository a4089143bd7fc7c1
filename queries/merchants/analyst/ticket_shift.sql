-- Question: Whose average approved amount is far from that of the week before?
-- 질문: 건당 승인 금액이 지난주와 크게 달라진 가맹점은?
-- Grain: one row per merchant, the largest factor (up or down) first
-- Parameter: day date = yesterday : the business day that is looked at
-- Parameter: times number = 2 : how often larger or smaller
-- Parameter: minimum integer = 20 : approvals that both spans need
-- Parameter: top integer = 50 : rows
WITH counted AS (
    SELECT
        merchant_id,
        coalesce(sum(approval_count) FILTER (WHERE business_date = $day::DATE), 0)::BIGINT AS day_count,
        coalesce(sum(approval_amount) FILTER (WHERE business_date = $day::DATE), 0)::BIGINT AS day_amount,
        coalesce(sum(approval_count) FILTER (WHERE business_date < $day::DATE), 0)::BIGINT AS week_count,
        coalesce(sum(approval_amount) FILTER (WHERE business_date < $day::DATE), 0)::BIGINT AS week_amount
    FROM merchant_day
    WHERE business_date BETWEEN $day::DATE - 7 AND $day::DATE
    GROUP BY merchant_id
)
SELECT
    merchant_id,
    merchant_name,
    day_amount / nullif(day_count, 0) AS day_average_amount,
    week_amount / nullif(week_count, 0) AS week_average_amount,
    (day_amount / nullif(day_count, 0)) / nullif(week_amount / nullif(week_count, 0), 0) AS times
FROM counted
LEFT JOIN merchant USING (merchant_id)
WHERE day_count >= $minimum::BIGINT
  AND week_count >= $minimum::BIGINT
  AND day_amount > 0
  AND week_amount > 0
  AND greatest(times, 1 / nullif(times, 0)) >= $times::DOUBLE
ORDER BY abs(ln(times)) DESC, merchant_id
LIMIT $top::BIGINT
