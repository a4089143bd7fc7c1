-- Open incidents. A second unresolved one for the same rule and merchant is refused by the index.
-- Parameters: incidents (jsonb array). Grain: one row per incident, with its new id.
INSERT INTO incident (
    rule, merchant_id, merchant_name, tier, severity, policy, opened_minute, last_breach_minute,
    told_minute, krw_at_risk, paid_out_cancelable, cancelled_unrecovered, reason, latest_reason
)
SELECT rule, merchant_id, merchant_name, tier, severity, policy, opened_minute, last_breach_minute,
       told_minute, paid_out_cancelable + cancelled_unrecovered, paid_out_cancelable, cancelled_unrecovered, reason, reason
FROM jsonb_to_recordset(CAST(:incidents AS jsonb)) AS i(
    rule text, merchant_id text, merchant_name text, tier text, severity text, policy text,
    opened_minute timestamptz, last_breach_minute timestamptz, told_minute timestamptz,
    paid_out_cancelable bigint, cancelled_unrecovered bigint, reason jsonb
)
RETURNING incident_id, rule, merchant_id
