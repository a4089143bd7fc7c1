-- Minutes that hold rows which nothing has counted, as stray_count counts them.
-- Parameters: none. Grain: one row per reason that has any.
SELECT reason, count(*) AS minutes, min(minute) AS first_minute, max(minute) AS last_minute
FROM stray_minute
WHERE (reason = 'past' AND found_at > now() - interval '1 day')
   OR (reason = 'future' AND minute >= (SELECT next_minute FROM watermark))
GROUP BY reason
ORDER BY reason
