-- Forget the names of entities that have none any more.
-- Parameters: pack, entities (text array). Grain: one row per entity.
DELETE FROM entity_name WHERE pack = :pack AND entity_id = ANY(:entities)
