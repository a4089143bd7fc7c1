-- Published minutes that were counted anew since a time, by cause; and those that wait to be, or that hold rows which
-- nothing counts.
-- Parameters: pack, since.
-- Grain: one row per cause. `asked`: what waits now; `past`: what was found in the last day; `future`: what is still to come.
SELECT cause, count(DISTINCT minute) AS minutes, max(revised_at) AS newest_at
FROM minute_revision
WHERE pack = :pack AND minute >= :since
GROUP BY cause
UNION ALL
SELECT 'asked', count(*), max(requested_at) FROM repair_request WHERE pack = :pack
UNION ALL
SELECT 'past', count(*), max(found_at)
FROM stray_minute
WHERE pack = :pack AND reason = 'past' AND found_at > now() - interval '1 day'
UNION ALL
SELECT 'future', count(*), max(found_at)
FROM stray_minute
WHERE pack = :pack AND reason = 'future' AND minute >= (SELECT next_minute FROM watermark WHERE watermark.pack = :pack)
