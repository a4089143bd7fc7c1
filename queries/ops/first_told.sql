-- When people were first told of some incidents; null: never.
-- Parameters: pack, ids (array of incident_id). Grain: one row per incident.
SELECT incident_id, rule, entity_id, entity_name, opened_minute,
       (SELECT min(sent_at) FROM outbox
        WHERE outbox.incident_id = incident.incident_id AND status = 'sent') AS told_at
FROM incident
WHERE pack = :pack AND incident_id = ANY(:ids)
ORDER BY incident_id
