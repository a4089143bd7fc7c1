-- What the published minutes of each business day are: final, corrected, with rows set aside.
-- Parameters: pack, since, zone (name of the business time zone).
-- Grain: one row per business day, newest first.
SELECT
    CAST(minute AT TIME ZONE CAST(:zone AS text) AS date)                AS day,
    count(*)                                                             AS minutes,
    count(*) FILTER (WHERE state = 'final')                              AS final,
    count(*) FILTER (WHERE revision > 0)                                 AS revised,
    coalesce(sum(source_rows), 0)::bigint                                AS rows,
    coalesce(sum(quarantined), 0)::bigint                                AS set_aside
FROM minute_ledger
WHERE pack = :pack AND minute >= :since
GROUP BY 1
ORDER BY 1 DESC
