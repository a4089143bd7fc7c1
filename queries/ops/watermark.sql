-- The next minute to judge, the version of the published data, the end of the first start's history and the newest
-- published minute.
-- Parameters: pack. Grain: one row, none before the first publication.
SELECT next_minute, version, history_until,
       (SELECT max(minute) FROM minute_ledger WHERE pack = :pack) AS last_minute
FROM watermark
WHERE pack = :pack
