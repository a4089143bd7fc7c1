-- Approvals, cancels and amounts of one merchant, or of all merchants, over a window of published minutes.
-- Parameters: merchant (text; null means all), first and stop (aware times, stop excluded), step (minutes).
-- Grain: one row per step, counted from first, also where nothing happened. cancel_rate is the ratio of
-- the step's sums, null without approvals.
WITH step_start AS (
    SELECT unnest(
        generate_series($first::TIMESTAMPTZ, $stop::TIMESTAMPTZ - INTERVAL 1 MINUTE, to_minutes($step))
    ) AS start
),

counted AS (
    SELECT
        time_bucket(to_minutes($step), minute, $first::TIMESTAMPTZ) AS start,
        sum(approval_count) AS approval_count,
        sum(cancel_count) AS cancel_count,
        sum(approval_amount) AS approval_amount,
        sum(cancel_amount) AS cancel_amount
    FROM merchant_minute
    WHERE minute >= $first::TIMESTAMPTZ AND minute < $stop::TIMESTAMPTZ
        AND ($merchant::VARCHAR IS NULL OR merchant_id = $merchant::VARCHAR)
    GROUP BY 1
)

SELECT
    start,
    coalesce(approval_count, 0)::BIGINT AS approval_count,
    coalesce(cancel_count, 0)::BIGINT AS cancel_count,
    coalesce(approval_amount, 0)::BIGINT AS approval_amount,
    coalesce(cancel_amount, 0)::BIGINT AS cancel_amount,
    (cancel_count::DOUBLE / nullif(approval_count, 0)::DOUBLE) AS cancel_rate
FROM step_start
LEFT JOIN counted USING (start)
ORDER BY start
