-- Dead events, the newest first: those that did not get through yet, or all.
-- Parameters: at_most, also_delivered (boolean). Grain: one row per dead event.
SELECT number, event_id, account_id, error, attempts, died_at, requeued_at, requeued_by, delivered_at
FROM transfers.dead_event WHERE :also_delivered OR delivered_at IS NULL
ORDER BY died_at DESC, number DESC LIMIT :at_most
