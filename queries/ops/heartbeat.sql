-- The leader is alive.
-- Parameters: pack, epoch. Grain: one row.
UPDATE leader SET heartbeat_at = now() WHERE scope = :pack AND epoch = :epoch
