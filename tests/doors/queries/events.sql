-- What happened at the doors in a span. Parameters: $1 start, $2 end (timestamptz). Grain: one row per event.
SELECT event_id, door_id, kind, occurred_at FROM events WHERE occurred_at >= $1 AND occurred_at < $2
