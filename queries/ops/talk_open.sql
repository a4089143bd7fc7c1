-- Unresolved incidents of every pack, for somebody in Slack: those of everybody first, then the highest expected
-- loss, or where that is not known money at risk.
-- What is not known may be the most: it comes before every amount, the worst severity first.
-- Parameters: limit. Grain: one row per incident; `total` counts all of them.
SELECT incident.pack, leader.installation::text AS installation, incident_id, rule, entity_id, entity_name, severity,
       status, at_risk, figures, opened_minute, acknowledged_by, latest_reason AS reason, count(*) OVER () AS total
FROM incident
JOIN leader ON leader.scope = incident.pack
WHERE status <> 'resolved'
ORDER BY entity_id <> '*', coalesce(expected_loss, at_risk) DESC NULLS FIRST, at_risk DESC NULLS FIRST,
         array_position(ARRAY['critical', 'high', 'medium'], severity), opened_minute DESC, incident_id DESC
LIMIT :limit
