-- How many rows the minutes of a period hold, and how many of them were set aside.
-- Parameters: pack, start (included), end (excluded). Grain: one row.
SELECT
    coalesce(sum(source_rows), 0)::bigint AS rows,
    coalesce(sum(quarantined), 0)::bigint AS set_aside
FROM minute_ledger
WHERE pack = :pack AND minute >= :start AND minute < CAST(:end AS timestamptz)
