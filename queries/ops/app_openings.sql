-- How many incidents opened, by rule, policy, business day and hour of it.
-- Parameters: pack, start, stop (minutes, stop excluded), zone (of the business day). Grain: one row of each that has any.
SELECT rule, policy,
       CAST(opened_minute AT TIME ZONE :zone AS date) AS day,
       CAST(extract(hour FROM opened_minute AT TIME ZONE :zone) AS integer) AS hour,
       count(*) AS incidents
FROM incident
WHERE pack = :pack AND opened_minute >= :start AND opened_minute < :stop
GROUP BY rule, policy, day, hour
ORDER BY day, hour, rule, policy
