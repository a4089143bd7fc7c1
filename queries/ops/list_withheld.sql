-- What people hold back, the newest first. Past is what ended before the next minute to judge, and what never was.
-- Parameters: pack, kind, with_past (boolean). Grain: one row per span.
SELECT withheld_id, kind, rule, entity_id, start_minute, end_minute, reason, by, at, ended_by, ended_at
FROM withheld
WHERE pack = :pack AND kind = :kind
  AND (:with_past OR end_minute IS NULL
       OR (end_minute > coalesce((SELECT next_minute FROM watermark WHERE pack = :pack), now())
           AND end_minute > start_minute))
ORDER BY withheld_id DESC
