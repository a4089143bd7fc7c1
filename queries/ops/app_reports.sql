-- Reports that were written by themselves, the newest first.
-- Parameters: pack, about (null: all), at_most (rows). Grain: one row per report.
SELECT about, path, sha256, bytes, written_at
FROM report
WHERE pack = :pack AND (CAST(:about AS text) IS NULL OR about = :about)
ORDER BY written_at DESC, about DESC
LIMIT :at_most
