-- Incidents that people labelled, with the newest label of each.
-- Parameters: pack, start, end (opened in this span). Grain: one row per labelled incident.
SELECT DISTINCT ON (incident_id)
    incident_id, rule, entity_id, opened_minute, last_breach_minute, given ->> 'label' AS label
FROM incident
JOIN incident_act USING (incident_id)
WHERE pack = :pack AND act = 'label' AND opened_minute >= :start AND opened_minute < :end
ORDER BY incident_id, act_id DESC
