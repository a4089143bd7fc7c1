-- Approvals, cancels and amounts of one merchant, or of all merchants, over a window of published minutes.
-- Parameters: merchant (text; null means all), first and stop (aware times, stop excluded), step (minutes, a divisor
-- or a multiple of 60), lead (minutes, a multiple of step: so much before first is looked at for the rate alone).
-- Grain: one row per step, counted from first, also where nothing happened. cancel_rate is the ratio of the sums over
-- the hour that ends with the step (of the step itself, if it is longer), as the rule counts; null without approvals.
WITH step_start AS (
    SELECT unnest(generate_series(
        $first::TIMESTAMPTZ - to_minutes($lead), $stop::TIMESTAMPTZ - INTERVAL 1 MINUTE, to_minutes($step)
    )) AS start
),

counted AS (
    SELECT
        time_bucket(to_minutes($step), minute, $first::TIMESTAMPTZ) AS start,
        sum(approval_count) AS approval_count,
        sum(cancel_count) AS cancel_count,
        sum(approval_amount) AS approval_amount,
        sum(cancel_amount) AS cancel_amount
    FROM merchant_minute
    WHERE minute >= $first::TIMESTAMPTZ - to_minutes($lead) AND minute < $stop::TIMESTAMPTZ
        AND ($merchant::VARCHAR IS NULL OR merchant_id = $merchant::VARCHAR)
    GROUP BY 1
)

SELECT
    start,
    coalesce(approval_count, 0)::BIGINT AS approval_count,
    coalesce(cancel_count, 0)::BIGINT AS cancel_count,
    coalesce(approval_amount, 0)::BIGINT AS approval_amount,
    coalesce(cancel_amount, 0)::BIGINT AS cancel_amount,
    (sum(coalesce(cancel_count, 0)) OVER hour)::DOUBLE / nullif(sum(coalesce(approval_count, 0)) OVER hour, 0)::DOUBLE
        AS cancel_rate
FROM step_start
LEFT JOIN counted USING (start)
WINDOW hour AS (ORDER BY start RANGE BETWEEN to_minutes($lead) PRECEDING AND CURRENT ROW)
QUALIFY start >= $first::TIMESTAMPTZ
ORDER BY start
