-- Replace the numbers of published minutes by a new revision, and keep what was before for the audit.
-- Parameters: minutes (jsonb array), cause. Grain: one row per minute.
WITH new AS (
    SELECT * FROM jsonb_to_recordset(CAST(:minutes AS jsonb)) AS m(
        minute timestamptz, approval_count bigint, cancel_count bigint, approval_amount bigint,
        cancel_amount bigint, quarantined bigint, source_rows bigint, source_cancels bigint,
        source_amount numeric, source_xmin bigint, source_clock timestamptz
    )
),
old AS (
    SELECT l.minute, l.source_rows, l.source_amount
    FROM minute_ledger AS l
    JOIN new USING (minute)
    FOR UPDATE OF l
),
revised AS (
    UPDATE minute_ledger AS l
    SET revision = l.revision + 1,
        approval_count = new.approval_count, cancel_count = new.cancel_count,
        approval_amount = new.approval_amount, cancel_amount = new.cancel_amount,
        quarantined = new.quarantined, source_rows = new.source_rows, source_cancels = new.source_cancels,
        source_amount = new.source_amount, source_xmin = new.source_xmin, source_clock = new.source_clock,
        committed_at = now()
    FROM new
    WHERE l.minute = new.minute
    RETURNING l.minute, l.revision, l.source_rows, l.source_amount
)
INSERT INTO minute_revision (minute, revision, cause, rows_before, rows_after, amount_before, amount_after)
SELECT revised.minute, revised.revision, :cause,
       old.source_rows, revised.source_rows, old.source_amount, revised.source_amount
FROM revised
JOIN old USING (minute)
RETURNING minute, revision
