-- Move the watermark and grow the version; the row is made at the first publication, with the end of the first
-- start's history, which stays as it is.
-- Parameters: pack, next_minute, history_until (null: no first start). Grain: one row.
INSERT INTO watermark (pack, next_minute, history_until) VALUES (:pack, :next_minute, :history_until)
ON CONFLICT (pack) DO UPDATE SET next_minute = excluded.next_minute, version = watermark.version + 1
RETURNING version
