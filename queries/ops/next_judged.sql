-- The next minute to judge; it stays the next one until this transaction ends.
-- Parameters: pack. Grain: one row, none before the first publication.
SELECT next_minute FROM watermark WHERE pack = :pack FOR SHARE
