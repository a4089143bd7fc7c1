-- Move the watermark and grow the version; the row is made at the first publication.
-- Parameters: next_minute. Grain: one row.
INSERT INTO watermark (next_minute) VALUES (:next_minute)
ON CONFLICT (only_row) DO UPDATE SET next_minute = excluded.next_minute, version = watermark.version + 1
RETURNING version
