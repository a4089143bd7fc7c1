-- Minutes that hold rows which nothing has counted, as stray_count counts them.
-- Parameters: pack. Grain: one row per reason that has any.
SELECT reason, count(*) AS minutes, min(minute) AS first_minute, max(minute) AS last_minute
FROM stray_minute
WHERE pack = :pack
  AND (
    (reason = 'past' AND found_at > now() - interval '1 day')
    OR (reason = 'future' AND minute >= (SELECT next_minute FROM watermark WHERE pack = :pack))
  )
GROUP BY reason
ORDER BY reason
