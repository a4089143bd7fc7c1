-- How many incidents opened and what people labelled them, by the newest label of each.
-- Parameters: pack, since (minute, included), zone (of the business day). Grain: one row per rule, tier and week.
SELECT rule, tier, CAST(date_trunc('week', opened_minute AT TIME ZONE :zone) AS date) AS week,
       count(*) AS incidents,
       count(*) FILTER (WHERE label = 'true_alarm') AS true_alarms,
       count(*) FILTER (WHERE label = 'false_alarm') AS false_alarms
FROM incident
LEFT JOIN (
    SELECT DISTINCT ON (incident_id) incident_id, given ->> 'label' AS label
    FROM incident_act
    WHERE act = 'label'
    ORDER BY incident_id, act_id DESC
) AS newest USING (incident_id)
WHERE pack = :pack AND opened_minute >= :since
GROUP BY rule, tier, week
ORDER BY week DESC, rule, tier DESC
