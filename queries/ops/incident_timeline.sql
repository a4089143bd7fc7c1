-- What happened to one incident, in order: what people did, and what the judge told of.
-- Parameters: id. Grain: one row per act, and per event and minute of the judge.
SELECT at, act AS what, by, given AS said
FROM incident_act
WHERE incident_id = :id
UNION ALL
SELECT min(created_at), event, NULL, jsonb_build_object('minute', minute, 'severity', min(message ->> 'severity'))
FROM outbox
WHERE incident_id = :id AND event NOT IN (
    'acknowledged', 'assigned', 'noted', 'snoozed', 'resolved_by', 'reopened_by', 'labelled', 'action'
)
GROUP BY event, minute
ORDER BY at
