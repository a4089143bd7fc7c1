-- Incidents of before that are like one and are over: of the same entity, the newest first; then of the same rule and tier, those
-- with the nearest money at risk. What was labelled is that of all such incidents.
-- Parameters: pack, incident_id, at_most (integers). Grain: one row per incident; none where nothing is alike.
WITH asked AS (
    SELECT rule, entity_id, tier, at_risk, opened_minute
    FROM incident
    WHERE pack = :pack AND incident_id = :incident_id
),
newest AS (
    SELECT DISTINCT ON (incident_id) incident_id, given ->> 'label' AS label
    FROM incident_act
    WHERE act = 'label'
    ORDER BY incident_id, act_id DESC
),
alike AS (
    SELECT
        i.incident_id,
        i.entity_id = asked.entity_id AS of_entity,
        label,
        i.opened_minute,
        abs(i.at_risk - asked.at_risk) AS apart
    FROM asked
    JOIN incident AS i ON i.pack = :pack
        AND (i.entity_id = asked.entity_id OR (i.rule = asked.rule AND i.tier = asked.tier))
    LEFT JOIN newest USING (incident_id)
    WHERE i.incident_id <> :incident_id AND i.status = 'resolved' AND i.opened_minute <= asked.opened_minute
)
SELECT
    incident_id,
    rule,
    entity_id,
    entity_name,
    of_entity,
    severity,
    incident.opened_minute,
    resolved_minute,
    dismissal ->> 'by' AS resolved_by,
    at_risk,
    label,
    alike,
    labelled,
    true_alarms
FROM (
    SELECT
        *,
        count(*) OVER () AS alike,
        count(label) OVER () AS labelled,
        count(*) FILTER (WHERE label = 'true_alarm') OVER () AS true_alarms,
        row_number() OVER (
            ORDER BY of_entity DESC, CASE WHEN of_entity THEN NULL ELSE apart END NULLS LAST, opened_minute DESC
        ) AS place
    FROM alike
    ORDER BY place
    LIMIT :at_most
) AS found
JOIN incident USING (incident_id)
ORDER BY place
