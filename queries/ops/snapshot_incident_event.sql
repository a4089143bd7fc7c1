-- What happened to incidents, for the analysts' file: who acted is the number of an account, what was written is left out.
-- Parameters: pack, since, at_most (integer, rows).
-- Grain: one row per act of a person, and per event and minute of the judge; the newest first.
SELECT incident_id, at AS event_at, act AS event, by <> 'minuterisk' AS by_person, account_id,
       CAST(NULL AS timestamptz) AS minute, CAST(NULL AS text) AS severity, given ->> 'label' AS label
FROM incident_act
JOIN incident USING (incident_id)
WHERE pack = :pack AND at >= :since
UNION ALL
SELECT incident_id, min(created_at), event, false, NULL, minute, min(message ->> 'severity'), NULL
FROM outbox
JOIN incident USING (incident_id)
WHERE pack = :pack AND created_at >= :since AND event NOT IN (
    'acknowledged', 'assigned', 'noted', 'snoozed', 'resolved_by', 'reopened_by', 'labelled', 'action'
)
GROUP BY incident_id, event, minute
ORDER BY event_at DESC, incident_id DESC, event
LIMIT :at_most
