-- Move the search for late commits on.
-- Parameters: pack, source, xmin, xmax, clock, started, look_back, open_since. Grain: one row.
INSERT INTO source_fence (
    pack, source, snapshot_xmin, snapshot_xmax, clock, server_started, look_back, open_since
)
VALUES (:pack, :source, :xmin, :xmax, :clock, :started, :look_back, :open_since)
ON CONFLICT (pack, source) DO UPDATE
SET snapshot_xmin = excluded.snapshot_xmin, snapshot_xmax = excluded.snapshot_xmax, clock = excluded.clock,
    server_started = excluded.server_started, look_back = excluded.look_back, open_since = excluded.open_since
