-- Move the search for late commits on.
-- Parameters: xmin, xmax, clock, look_back. Grain: one row.
INSERT INTO source_fence (snapshot_xmin, snapshot_xmax, clock, look_back) VALUES (:xmin, :xmax, :clock, :look_back)
ON CONFLICT (only_row) DO UPDATE
SET snapshot_xmin = excluded.snapshot_xmin, snapshot_xmax = excluded.snapshot_xmax,
    clock = excluded.clock, look_back = excluded.look_back
