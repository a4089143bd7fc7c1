-- Keeps events that are given up. One that was dead before, and was requeued, is dead again.
-- Parameters: dead (JSON array). Grain: one row per event.
INSERT INTO transfers.dead_event AS known (event_id, account_id, payload, error, attempts)
SELECT event_id, account_id, coalesce(payload, 'null'), error, attempts  -- one that says null is dead as any other
FROM jsonb_to_recordset(CAST(:dead AS jsonb)) AS dead (
    event_id text, account_id text, payload jsonb, error text, attempts smallint
)
ON CONFLICT (event_id) DO UPDATE
SET error = excluded.error, attempts = excluded.attempts, died_at = now(), requeued_at = NULL, requeued_by = NULL
WHERE known.delivered_at IS NULL
RETURNING event_id
