-- How far the search for late commits has come.
-- Parameters: pack, source (which of its databases; empty: its only one). Grain: one row, none before the first read.
SELECT snapshot_xmin AS xmin, snapshot_xmax AS xmax, clock, server_started AS started, look_back, open_since
FROM source_fence
WHERE pack = :pack AND source = :source
