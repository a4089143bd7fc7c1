-- Store changes of what is known of entities.
-- Parameters: pack, changes (jsonb array). Grain: one row per entity and change.
INSERT INTO entity_fact (pack, entity_id, from_minute, value)
SELECT :pack, entity_id, from_minute, value
FROM jsonb_to_recordset(CAST(:changes AS jsonb)) AS c(entity_id text, from_minute timestamptz, value text)
