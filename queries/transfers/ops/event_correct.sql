-- Gives an event another status, and logs it as a correction.
-- Parameters: transfer_id, status, origin. Grain: one row.
WITH before AS (
    SELECT to_jsonb(event) - ARRAY['number', 'arrived_at', 'written', 'inserted'] AS content
    FROM transfers.event WHERE transfer_id = :transfer_id
),
changed AS (
    UPDATE transfers.event SET status = :status, written = pg_current_xact_id() WHERE transfer_id = :transfer_id
)
INSERT INTO transfers.correction_log (transfer_id, kind, before, after, origin)
SELECT :transfer_id, 'correction', content, content || jsonb_build_object('status', CAST(:status AS text)), :origin
FROM before
RETURNING number
