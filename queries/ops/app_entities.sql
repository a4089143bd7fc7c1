-- All entities of which something is known beside their rows: the name as last read, the fact in force now.
-- Parameters: pack. Grain: one row per entity.
WITH fact AS (
    SELECT DISTINCT ON (entity_id) entity_id, value
    FROM entity_fact
    WHERE pack = :pack
    ORDER BY entity_id, from_minute DESC
),
named AS (SELECT entity_id, name FROM entity_name WHERE pack = :pack)
SELECT entity_id, named.name, fact.value AS fact
FROM fact
FULL JOIN named USING (entity_id)
WHERE named.name IS NOT NULL OR fact.value IS NOT NULL
