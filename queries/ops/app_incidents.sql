-- Incidents for the dashboard's list: the unresolved ones first, of these the platform's, then by KRW at risk. What
-- is not known may be the most: it comes before every amount, the worst severity first.
-- Parameters: with_resolved (boolean), at_most (integer, rows).
-- Grain: one row per incident; total says how many there are, also past at_most.
SELECT
    incident_id,
    rule,
    merchant_id,
    merchant_name,
    tier,
    severity,
    status,
    policy,
    times,
    opened_minute,
    last_breach_minute,
    resolved_minute,
    krw_at_risk,
    paid_out_cancelable,
    cancelled_unrecovered,
    reason,
    latest_reason,
    opened_at,
    acknowledged_at,
    acknowledged_by,
    resolved_at,
    count(*) OVER () AS total
FROM incident
WHERE status <> 'resolved' OR :with_resolved
ORDER BY (status = 'resolved'), (rule NOT LIKE 'platform%' OR status = 'resolved'), krw_at_risk DESC NULLS FIRST,
         array_position(ARRAY['critical', 'high', 'medium'], severity), opened_minute DESC, incident_id DESC
LIMIT :at_most
