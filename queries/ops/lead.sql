-- Take the leadership: every commit of an older epoch is refused from now on.
-- Parameters: pack, holder. Grain: one row, the new epoch.
UPDATE leader SET epoch = epoch + 1, holder = :holder, heartbeat_at = now() WHERE scope = :pack RETURNING epoch
