-- The next minute to judge; no minute is committed until the transaction ends.
-- Parameters: pack. Grain: one row, none before the first publication.
SELECT next_minute FROM watermark WHERE pack = :pack FOR UPDATE
