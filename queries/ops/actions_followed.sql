-- Actions whose outcome is not settled: told, or confirmed and still followed; with what people said of the alarm.
-- Parameters: pack. Grain: one row per action.
SELECT action_id, incident_id, entity_id, kind, percent, amount, helps_until, money, status, told_at, outcome,
       (SELECT given ->> 'label' FROM incident_act AS a
        WHERE a.incident_id = action.incident_id AND act = 'label'
        ORDER BY act_id DESC LIMIT 1) AS label
FROM action
WHERE pack = :pack
  AND (status = 'told' OR (status = 'confirmed' AND NOT outcome @> '{"settled": true}'))
ORDER BY action_id
