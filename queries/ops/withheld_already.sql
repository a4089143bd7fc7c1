-- What holds the same signals back at an overlapping time.
-- Parameters: pack, kind, rule, entity_id, start, end (null: until somebody ends it). Grain: one row, or none.
SELECT withheld_id
FROM withheld
WHERE pack = :pack AND kind = :kind
  AND rule IS NOT DISTINCT FROM CAST(:rule AS text) AND entity_id IS NOT DISTINCT FROM CAST(:entity_id AS text)
  AND tstzrange(start_minute, end_minute) && tstzrange(:start, :end)
ORDER BY withheld_id
LIMIT 1
