-- Approved amount so far at each time of day, for today and for recent business days.
-- Parameters: merchant (text; null means all), days (list of dates), firsts and stops (lists of aware times, one
-- pair per day, stop excluded; today's stop is the end of the newest published minute), step (minutes).
-- Grain: one row per business day and step. elapsed_minutes counts from the day's start; the sum covers all
-- minutes before it.
WITH day AS (
    SELECT
        unnest($days::DATE[]) AS business_date,
        unnest($firsts::TIMESTAMPTZ[]) AS first,
        unnest($stops::TIMESTAMPTZ[]) AS stop
),

step AS (
    SELECT
        business_date,
        date_diff('minute', first, stop) AS day_minutes,
        unnest(range(0, date_diff('minute', first, stop), $step::BIGINT)) AS step_start
    FROM day
),

-- First to one row per minute: the join over a range of times is then a small one.
counted_minute AS (
    SELECT minute, sum(approval_amount) AS approval_amount
    FROM merchant_minute
    WHERE minute >= list_min($firsts::TIMESTAMPTZ[]) AND minute < list_max($stops::TIMESTAMPTZ[])
        AND ($merchant::VARCHAR IS NULL OR merchant_id = $merchant::VARCHAR)
    GROUP BY minute
),

counted AS (
    SELECT
        day.business_date,
        date_diff('minute', day.first, m.minute) // $step::BIGINT * $step::BIGINT AS step_start,
        sum(m.approval_amount) AS approval_amount
    FROM counted_minute AS m
    INNER JOIN day ON m.minute >= day.first AND m.minute < day.stop
    GROUP BY ALL
)

SELECT
    business_date,
    least(step_start + $step::BIGINT, day_minutes)::BIGINT AS elapsed_minutes,
    sum(coalesce(approval_amount, 0)) OVER (
        PARTITION BY business_date ORDER BY step_start
    )::BIGINT AS approval_amount
FROM step
LEFT JOIN counted USING (business_date, step_start)
ORDER BY business_date, elapsed_minutes
