-- Pauses of rules that have not ended at the next minute that is judged.
-- Parameters: pack. Grain: one row per pause, oldest first.
SELECT rule, reason, from_minute, until_minute, paused_by,
       from_minute <= coalesce((SELECT next_minute FROM watermark WHERE pack = :pack), now()) AS now
FROM rule_pause
WHERE pack = :pack AND until_minute > from_minute
  AND until_minute > coalesce((SELECT next_minute FROM watermark WHERE pack = :pack), now())
ORDER BY from_minute, rule
