-- Name new files as published.
-- Parameters: pack, files (jsonb array). Grain: one row per file.
INSERT INTO lake_file (pack, dataset, path, start_minute, end_minute, rows, bytes, sha256, slots)
SELECT :pack, dataset, path, start_minute, end_minute, rows, bytes, sha256, slots
FROM jsonb_to_recordset(CAST(:files AS jsonb)) AS f(
    dataset text, path text, start_minute timestamptz, end_minute timestamptz, rows bigint, bytes bigint, sha256 text,
    slots int4range
)
