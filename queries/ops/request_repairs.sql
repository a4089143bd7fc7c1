-- Ask the leader to read minutes again; what differs for certain is never made a mere suspect again.
-- Parameters: pack, minutes (timestamptz array), cause (reconciliation, late_commit). Grain: one row per minute.
INSERT INTO repair_request (pack, minute, cause) SELECT :pack, unnest(CAST(:minutes AS timestamptz[])), :cause
ON CONFLICT (pack, minute) DO UPDATE
SET requested_at = now(),
    cause = CASE WHEN excluded.cause = 'reconciliation' THEN excluded.cause ELSE repair_request.cause END
