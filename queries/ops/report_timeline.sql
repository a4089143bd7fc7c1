-- What happened to some incidents, in order: what people did, and what the judge told of, each with the money then.
-- Parameters: ids (bigint array). Grain: one row per act, and per event and minute of the judge.
SELECT incident_id, at, act AS what, by, given AS said, CAST(NULL AS bigint) AS at_risk, CAST(NULL AS timestamptz) AS sent_at
FROM incident_act
WHERE incident_id = ANY(:ids)
UNION ALL
SELECT incident_id, min(created_at), event, NULL, jsonb_build_object('minute', minute),
       max(CASE WHEN jsonb_typeof(message -> 'at_risk') = 'number' THEN CAST(message ->> 'at_risk' AS bigint) END),
       min(sent_at)
FROM outbox
WHERE incident_id = ANY(:ids) AND event NOT IN (
    'acknowledged', 'assigned', 'noted', 'snoozed', 'resolved_by', 'reopened_by', 'labelled', 'action'
)
GROUP BY incident_id, event, minute
ORDER BY incident_id, at
