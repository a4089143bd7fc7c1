-- Reports of the last days that people were not told of yet, the oldest first.
-- Parameters: pack, since. Grain: one row per report.
SELECT about, path, bytes, written_at, link, channel, link_at
FROM report
WHERE pack = :pack AND link IN ('due', 'sending') AND written_at >= CAST(:since AS timestamptz)
ORDER BY written_at, about
