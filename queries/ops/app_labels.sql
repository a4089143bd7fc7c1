-- How many incidents opened and what people labelled them, by the newest label of each.
-- Parameters: pack, start, stop (minutes, stop excluded), zone (of the business day). Grain: one row per rule and week.
SELECT rule, CAST(date_trunc('week', opened_minute AT TIME ZONE :zone) AS date) AS week,
       count(*) AS incidents,
       count(*) FILTER (WHERE label = 'true_alarm') AS true_alarms,
       count(*) FILTER (WHERE label = 'false_alarm') AS false_alarms
FROM incident
LEFT JOIN LATERAL (
    SELECT given ->> 'label' AS label
    FROM incident_act
    WHERE incident_act.incident_id = incident.incident_id AND act = 'label'
    ORDER BY act_id DESC
    LIMIT 1
) AS newest ON true
WHERE pack = :pack AND opened_minute >= :start AND opened_minute < :stop
GROUP BY rule, week
ORDER BY week DESC, rule
