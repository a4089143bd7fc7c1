-- Keep that a report was written; the first one counts.
-- Parameters: pack, about, path, sha256, bytes. Grain: one row, none where it was written before.
INSERT INTO report (pack, about, path, sha256, bytes)
VALUES (:pack, :about, :path, :sha256, :bytes)
ON CONFLICT (pack, about) DO NOTHING
