-- The next minute to judge, the version of the published data and the newest published minute.
-- Parameters: none. Grain: one row, none before the first publication.
SELECT next_minute, version, (SELECT max(minute) FROM minute_ledger) AS last_minute FROM watermark
