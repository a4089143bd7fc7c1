-- Events that were written lately. Parameters: $1 look-back (timestamptz), $2 the fence's xmin modulo 2^32 (bigint).
-- Grain: one row per event.
SELECT event_id, door_id, kind, occurred_at
FROM events
WHERE created_at >= $1 AND age(xmin) <= (SELECT age($2::bigint::text::xid))
