-- Incidents for a list: unresolved first, of these those of everybody, then most money at risk first. What is not
-- known may be the most: it comes before every amount, the worst severity first.
-- Parameters: pack, with_resolved (boolean), limit. Grain: one row per incident.
SELECT incident_id, rule, entity_id, entity_name, tier, severity, status, policy, opened_minute,
       last_breach_minute, resolved_minute, times, at_risk, acknowledged_by
FROM incident
WHERE pack = :pack AND (:with_resolved OR status <> 'resolved')
ORDER BY status = 'resolved', entity_id <> '*' OR status = 'resolved', at_risk DESC NULLS FIRST,
         array_position(ARRAY['critical', 'high', 'medium'], severity), opened_minute DESC, incident_id DESC
LIMIT :limit
