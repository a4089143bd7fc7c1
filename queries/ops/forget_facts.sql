-- Forget what was known of entities from a minute on: another read takes its place.
-- Parameters: pack, from_minute. Grain: one row per entity and change.
DELETE FROM entity_fact WHERE pack = :pack AND from_minute >= :from_minute
