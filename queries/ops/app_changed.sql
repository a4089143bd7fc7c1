-- What has happened to incidents since a moment: which opened, turned worse, were resolved, or were given to somebody.
-- Parameters: pack, since (timestamptz), name (to whom they are given), at_most (integer, rows).
-- Grain: one row per incident and kind of change (opened, escalated, resolved, assigned), the newest first; of_kind
-- counts those of the kind, also past at_most.
WITH lately AS (
    SELECT incident_id FROM incident WHERE pack = :pack AND status <> 'resolved'
    UNION ALL
    SELECT incident_id
    FROM incident
    -- Its minute may be older than the commit, after an outage; a day is more than is caught up with verdicts.
    WHERE pack = :pack AND status = 'resolved' AND resolved_minute > CAST(:since AS timestamptz) - interval '1 day'
),

happened AS (
    SELECT
        incident_id,
        CASE event WHEN 'reopened' THEN 'opened' WHEN 'reopened_by' THEN 'opened' WHEN 'resolved_by' THEN 'resolved'
            ELSE event END AS what,
        created_at AS at
    FROM lately
    JOIN outbox USING (incident_id)
    WHERE event IN ('opened', 'reopened', 'reopened_by', 'escalated', 'resolved', 'resolved_by') AND created_at > :since
    UNION ALL
    SELECT incident_id, 'assigned', at
    FROM lately
    JOIN incident_act USING (incident_id)
    WHERE act = 'assign' AND at > :since AND by <> :name AND given ->> 'to' = :name
),

newest AS (SELECT incident_id, what, max(at) AS at FROM happened GROUP BY incident_id, what)

SELECT
    newest.incident_id,
    newest.what,
    newest.at,
    incident.rule,
    incident.entity_id,
    incident.entity_name,
    incident.severity,
    count(*) OVER (PARTITION BY newest.what) AS of_kind
FROM newest
JOIN incident USING (incident_id)
ORDER BY newest.at DESC, newest.incident_id DESC, newest.what
LIMIT :at_most
