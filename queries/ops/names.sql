-- The names of entities, as they were last read.
-- Parameters: pack. Grain: one row per entity that has a name.
SELECT entity_id, name FROM entity_name WHERE pack = :pack
