-- Incidents for a list: unresolved first, of these the platform's, then most money at risk first. What is not known
-- may be the most: it comes before every amount, the worst severity first.
-- Parameters: with_resolved (boolean), limit. Grain: one row per incident.
SELECT incident_id, rule, merchant_id, merchant_name, tier, severity, status, policy, opened_minute,
       last_breach_minute, resolved_minute, times, krw_at_risk, acknowledged_by
FROM incident
WHERE :with_resolved OR status <> 'resolved'
ORDER BY status = 'resolved', rule NOT LIKE 'platform%' OR status = 'resolved', krw_at_risk DESC NULLS FIRST,
         array_position(ARRAY['critical', 'high', 'medium'], severity), opened_minute DESC, incident_id DESC
LIMIT :limit
