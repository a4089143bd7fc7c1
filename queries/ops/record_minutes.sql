-- Record minutes as published, or as judged when they were published before (their numbers stay).
-- Parameters: pack, minutes (jsonb array). Grain: one row per minute.
INSERT INTO minute_ledger (
    pack, minute, rows, quarantined, sums, source_rows, source_sums, source_xmin, source_clock, judged_at, policy,
    rules_version
)
SELECT
    :pack, minute, rows, quarantined, sums, source_rows, source_sums, source_xmin, source_clock,
    CASE WHEN policy IS NOT NULL THEN now() END, policy, rules_version
FROM jsonb_to_recordset(CAST(:minutes AS jsonb)) AS m(
    minute timestamptz, rows bigint, quarantined bigint, sums jsonb, source_rows bigint, source_sums jsonb,
    source_xmin bigint, source_clock timestamptz, policy text, rules_version integer
)
ON CONFLICT (pack, minute) DO UPDATE
SET judged_at = excluded.judged_at, policy = excluded.policy, rules_version = excluded.rules_version
