-- One thing that people hold back.
-- Parameters: pack, id, kind. Grain: one row, or none.
SELECT kind, rule, entity_id, start_minute AS start, end_minute AS "end", ended_by
FROM withheld
WHERE pack = :pack AND withheld_id = :id AND kind = :kind
FOR UPDATE
