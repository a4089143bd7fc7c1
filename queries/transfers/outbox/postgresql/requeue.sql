-- Lets events that were given up be tried again.
-- Parameters: event_ids (array), buckets (array: those that the relay leases).
-- Grain: one row per event that waits again.
UPDATE transfer_events SET status = 'pending', attempts = 0, retry_at = NULL, done_at = NULL
WHERE event_id = ANY (CAST(:event_ids AS bigint[])) AND bucket = ANY (CAST(:buckets AS smallint[])) AND status = 'dead'
RETURNING event_id
