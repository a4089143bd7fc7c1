-- Replace the numbers of published minutes by a new revision, and keep what was before for the audit.
-- Parameters: pack, minutes (jsonb array), cause. Grain: one row per minute.
WITH new AS (
    SELECT * FROM jsonb_to_recordset(CAST(:minutes AS jsonb)) AS m(
        minute timestamptz, rows bigint, quarantined bigint, sums jsonb, source_rows bigint, source_sums jsonb,
        source_xmin bigint, source_clock timestamptz
    )
),
old AS (
    SELECT l.minute, l.source_rows, l.source_sums
    FROM minute_ledger AS l
    JOIN new USING (minute)
    WHERE l.pack = :pack
    FOR UPDATE OF l
),
revised AS (
    UPDATE minute_ledger AS l
    SET revision = l.revision + 1,
        rows = new.rows, quarantined = new.quarantined, sums = new.sums,
        source_rows = new.source_rows, source_sums = new.source_sums,
        source_xmin = new.source_xmin, source_clock = new.source_clock,
        committed_at = now()
    FROM new
    JOIN old USING (minute)  -- read before the update, which it could not be read after
    WHERE l.pack = :pack AND l.minute = new.minute
    RETURNING l.minute, l.revision, old.source_rows AS rows_before, l.source_rows AS rows_after,
              old.source_sums AS sums_before, l.source_sums AS sums_after
)
INSERT INTO minute_revision (pack, minute, revision, cause, rows_before, rows_after, sums_before, sums_after)
SELECT :pack, minute, revision, :cause, rows_before, rows_after, sums_before, sums_after
FROM revised
RETURNING minute, revision
