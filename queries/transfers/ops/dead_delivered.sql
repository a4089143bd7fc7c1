-- Says of events that were dead that they got through after all.
-- Parameters: event_ids (array). Grain: one row per event that had been dead.
UPDATE transfers.dead_event SET delivered_at = clock_timestamp()
WHERE event_id = ANY (CAST(:event_ids AS text[])) AND delivered_at IS NULL
RETURNING event_id
