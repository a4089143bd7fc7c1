-- Record minutes as published, or as judged when they were published before (their numbers stay).
-- Parameters: minutes (jsonb array). Grain: one row per minute.
INSERT INTO minute_ledger (
    minute, approval_count, cancel_count, approval_amount, cancel_amount, quarantined,
    source_rows, source_cancels, source_amount, source_xmin, source_clock, judged_at, policy
)
SELECT
    minute, approval_count, cancel_count, approval_amount, cancel_amount, quarantined,
    source_rows, source_cancels, source_amount, source_xmin, source_clock,
    CASE WHEN policy IS NOT NULL THEN now() END, policy
FROM jsonb_to_recordset(CAST(:minutes AS jsonb)) AS m(
    minute timestamptz, approval_count bigint, cancel_count bigint, approval_amount bigint, cancel_amount bigint,
    quarantined bigint, source_rows bigint, source_cancels bigint, source_amount numeric, source_xmin bigint,
    source_clock timestamptz, policy text
)
ON CONFLICT (minute) DO UPDATE SET judged_at = excluded.judged_at, policy = excluded.policy
