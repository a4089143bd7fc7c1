-- Ledger rows of a span.
-- Parameters: start, end. Grain: one row per published minute.
SELECT minute, revision, state, approval_count, cancel_count, approval_amount, cancel_amount, quarantined,
       source_rows, source_cancels, source_amount::text AS source_amount, source_xmin, source_clock, judged_at, policy
FROM minute_ledger
WHERE minute >= :start AND minute < :end
ORDER BY minute
