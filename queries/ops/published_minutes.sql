-- Ledger rows of a span.
-- Parameters: pack, start, end. Grain: one row per published minute.
SELECT minute, revision, state, rows, quarantined, sums, source_rows, source_sums, source_xmin, source_clock,
       judged_at, policy, rules_version
FROM minute_ledger
WHERE pack = :pack AND minute >= :start AND minute < :end
ORDER BY minute
