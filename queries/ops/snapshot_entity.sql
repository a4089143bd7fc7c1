-- What is known of entities now, for the analysts' file: a name, and facts about them.
-- Parameters: pack. Grain: one row per entity of which either is known.
WITH fact AS (
    SELECT DISTINCT ON (entity_id) entity_id, value
    FROM entity_fact
    WHERE pack = :pack
    ORDER BY entity_id, from_minute DESC
)
SELECT entity_id, name.name, fact.value
FROM (SELECT entity_id, name FROM entity_name WHERE pack = :pack) AS name
FULL JOIN fact USING (entity_id)
WHERE name.name IS NOT NULL OR fact.value IS NOT NULL
