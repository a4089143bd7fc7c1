-- Incidents of whoever is called so, or has this id: unresolved ones first, then the newest.
-- Parameters: packs (of these), entity (an id), part (of a name, for LIKE), limit.
-- Grain: one row per incident; `total` counts all of them.
SELECT incident.pack, leader.installation::text AS installation, incident_id, rule, entity_id, entity_name, severity,
       status, at_risk, figures, opened_minute, acknowledged_by, latest_reason AS reason, count(*) OVER () AS total
FROM incident
JOIN leader ON leader.scope = incident.pack
WHERE incident.pack = ANY(:packs) AND entity_id <> '*' AND (entity_id = :entity OR entity_name ILIKE :part)
ORDER BY status = 'resolved', opened_minute DESC, incident_id DESC
LIMIT :limit
