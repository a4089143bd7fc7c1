-- A new version of the published data without a new minute.
-- Parameters: pack. Grain: one row.
UPDATE watermark SET version = version + 1 WHERE pack = :pack
