-- The ledger of a business day for the analysts' file.
-- Parameters: pack, since, until (not included), at_most (integer, rows).
-- Grain: one row per published minute; `more` holds the sums of its good rows.
SELECT minute, revision, state, rows AS row_count, quarantined AS quarantined_count, source_rows AS source_row_count,
       policy, rules_version, committed_at, judged_at, sums AS more
FROM minute_ledger
WHERE pack = :pack AND minute >= :since AND minute < :until
ORDER BY minute DESC
LIMIT :at_most
