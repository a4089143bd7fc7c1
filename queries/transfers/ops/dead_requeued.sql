-- Dead events that people want to be tried again and that have not got through yet.
-- Parameters: none. Grain: one row per event.
SELECT event_id FROM transfers.dead_event WHERE requeued_at IS NOT NULL AND delivered_at IS NULL
