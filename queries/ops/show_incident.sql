-- One incident with everything stored about it.
-- Parameters: pack, id. Grain: one row, or none.
SELECT incident_id, rule, entity_id, entity_name, tier, severity, status, policy, opened_minute, last_breach_minute,
       resolved_minute, corrected_minute, at_risk, parts, figures, reason, latest_reason, opened_at, acknowledged_at,
       acknowledged_by, resolved_at, times, told_minute, owner, snooze, dismissal,
       (SELECT given ->> 'label' FROM incident_act AS a WHERE a.incident_id = incident.incident_id AND act = 'label'
        ORDER BY act_id DESC LIMIT 1) AS label
FROM incident
WHERE pack = :pack AND incident_id = :id
