-- A new version of the published data without a new minute.
-- Parameters: none. Grain: one row.
UPDATE watermark SET version = version + 1
