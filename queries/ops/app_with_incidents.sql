-- Entities that had an incident: those with an unresolved one first, then those with the newest one.
-- Parameters: pack, everybody (text: what stands for all together, which is no entity), at_most (integer, rows).
-- Grain: one row per entity, with the name that its newest incident knew.
SELECT
    entity_id,
    (array_agg(entity_name ORDER BY incident_id DESC) FILTER (WHERE entity_name IS NOT NULL))[1] AS name,
    count(*) FILTER (WHERE status <> 'resolved') AS open
FROM incident
WHERE pack = :pack AND entity_id <> :everybody
GROUP BY entity_id
ORDER BY (count(*) FILTER (WHERE status <> 'resolved') = 0), max(opened_minute) DESC, entity_id
LIMIT :at_most
