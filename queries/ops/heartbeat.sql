-- The leader is alive.
-- Parameters: epoch. Grain: one row.
UPDATE leader SET heartbeat_at = now() WHERE epoch = :epoch
