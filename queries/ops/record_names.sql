-- Store new and other names of entities.
-- Parameters: pack, names (jsonb array). Grain: one row per entity.
INSERT INTO entity_name (pack, entity_id, name)
SELECT :pack, entity_id, value
FROM jsonb_to_recordset(CAST(:names AS jsonb)) AS n(entity_id text, value text)
ON CONFLICT (pack, entity_id) DO UPDATE SET name = excluded.name
