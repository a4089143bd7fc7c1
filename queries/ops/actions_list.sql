-- Actions, newest first.
-- Parameters: pack, incident_id (null: of all), statuses (array; null: any), limit.
-- Grain: one row per action.
SELECT action.action_id, action.incident_id, rule, action.entity_id, entity_name, kind, percent, amount, helps_until,
       action.status, by_machine, proposed_at, proposed_by, decided_at, approved_by, action.told_at, ended_at, ended_by,
       end_why, why, outcome, told.status AS call_status, told.last_error AS call_error, recalled.status AS recall_status,
       recalled.last_error AS recall_error
FROM action
JOIN incident ON incident.incident_id = action.incident_id
LEFT JOIN action_call AS told ON told.action_id = action.action_id AND told.event = 'approved'
LEFT JOIN action_call AS recalled ON recalled.action_id = action.action_id AND recalled.event = 'withdrawn'
WHERE action.pack = :pack
  AND (CAST(:incident_id AS numeric) IS NULL OR action.incident_id = :incident_id)
  AND (CAST(:statuses AS text[]) IS NULL OR action.status = ANY(:statuses))
ORDER BY action.action_id DESC
LIMIT :limit
