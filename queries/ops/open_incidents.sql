-- Open incidents. A second unresolved one for the same rule and entity is refused by the index.
-- Parameters: pack, currency (of their money), incidents (jsonb array). Grain: one row per incident, with its new id.
INSERT INTO incident (
    pack, rule, entity_id, entity_name, tier, severity, policy, opened_minute, last_breach_minute,
    told_minute, currency, parts, reason, latest_reason
)
SELECT :pack, rule, entity_id, entity_name, tier, severity, policy, opened_minute, last_breach_minute,
       told_minute, :currency, parts, reason, reason
FROM jsonb_populate_recordset(NULL::incident_now, CAST(:incidents AS jsonb))
RETURNING incident_id, rule, entity_id
