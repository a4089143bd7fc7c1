-- The names of some entities, as the source last gave them.
-- Parameters: pack, ids (text array). Grain: one row per entity that has a name.
SELECT entity_id, name FROM entity_name WHERE pack = :pack AND entity_id = ANY(:ids)
