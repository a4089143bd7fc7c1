-- What is known of some entities beside their rows, as it is in force at the newest minute.
-- Parameters: pack, entities (array). Grain: one row per entity of which something is known.
SELECT DISTINCT ON (entity_id) entity_id, value
FROM entity_fact
WHERE pack = :pack AND entity_id = ANY(:entities)
  AND from_minute <= (SELECT next_minute FROM watermark WHERE pack = :pack)
ORDER BY entity_id, from_minute DESC
