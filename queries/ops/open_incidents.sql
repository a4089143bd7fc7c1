-- Open incidents. There is one unresolved incident per rule and entity: where a person has opened an earlier one again
-- meanwhile, that one goes on and no second one is made.
-- Parameters: pack, currency (of their money), incidents (jsonb array). Grain: one row per incident, with its new id.
INSERT INTO incident (
    pack, rule, entity_id, entity_name, tier, severity, policy, opened_minute, last_breach_minute,
    told_minute, currency, parts, figures, told_money, reason, latest_reason
)
SELECT :pack, rule, entity_id, entity_name, tier, severity, policy, opened_minute, last_breach_minute,
       told_minute, :currency, parts, figures, told_money, reason, reason
FROM jsonb_populate_recordset(NULL::incident_now, CAST(:incidents AS jsonb))
ON CONFLICT (pack, rule, entity_id) WHERE status <> 'resolved' DO NOTHING
RETURNING incident_id, rule, entity_id
