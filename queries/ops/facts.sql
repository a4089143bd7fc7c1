-- What is known of entities over time, oldest first; null: unknown from then on.
-- Parameters: pack. Grain: one row per entity and change.
SELECT from_minute, entity_id, value FROM entity_fact WHERE pack = :pack ORDER BY from_minute, entity_id
