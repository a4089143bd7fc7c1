-- What people hold back, past, present and planned.
-- Parameters: pack. Grain: one row per span.
SELECT kind AS reason, start_minute AS start, end_minute AS "end", rule, entity_id
FROM withheld
WHERE pack = :pack AND (end_minute IS NULL OR end_minute > start_minute)
ORDER BY withheld_id
