-- The false-alarm budget: cancel surges opened since the business day began, and the last seven nights' null.
-- Each night judged one of `parts` of its merchants, so a night counts as 1/parts of a day.
-- Parameters: day_start. Grain: exactly one row; the null's columns are null before the first measurement.
SELECT
    (
        SELECT count(*) FROM incident
        WHERE rule = 'cancel_surge' AND policy = 'budgeted' AND opened_minute >= :day_start
    ) AS spent,
    nights.nights,
    nights.days,
    nights.incidents,
    newest.business_day,
    newest.merchants * newest.parts AS merchants,
    newest.allowed,
    newest.drift_percent,
    newest.drift_measured
FROM (
    SELECT
        count(*)                                AS nights,
        coalesce(sum(1.0 / nullif(parts, 0)), 0)::float8   AS days,
        coalesce(sum(incidents), 0)::bigint     AS incidents
    FROM (SELECT parts, incidents FROM null_day ORDER BY business_day DESC LIMIT 7) AS recent
) AS nights
LEFT JOIN (SELECT * FROM null_day ORDER BY business_day DESC LIMIT 1) AS newest ON true
