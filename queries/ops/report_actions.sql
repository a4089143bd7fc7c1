-- What was proposed and done about incidents' money: what was open or ended in a span, what concerns an incident that
-- opened in it (a minute that is judged late is acted upon later), or all of one incident's.
-- Parameters: pack, start, stop (stop excluded), incident_id (null: all), at_most (rows). Grain: one row per action.
SELECT action_id, action.incident_id, action.entity_id, incident.entity_name, rule, kind, percent, amount, helps_until,
       action.status, proposed_at, proposed_by, by_machine, decided_at, approved_by, told_at, ended_at, outcome,
       count(*) OVER () AS total
FROM action
JOIN incident USING (incident_id)
WHERE action.pack = :pack
  AND (action.incident_id = CAST(:incident_id AS bigint)
       OR (CAST(:incident_id AS bigint) IS NULL AND (proposed_at < CAST(:stop AS timestamptz)
                OR opened_minute >= CAST(:start AS timestamptz) AND opened_minute < CAST(:stop AS timestamptz))
           AND (ended_at IS NULL OR ended_at >= CAST(:start AS timestamptz))))
ORDER BY amount DESC NULLS FIRST, action_id DESC
LIMIT :at_most
