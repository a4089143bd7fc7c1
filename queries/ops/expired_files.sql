-- Retired files that no reader can still be using.
-- Parameters: pack, grace_s (seconds since they were retired). Grain: one row per file.
SELECT path FROM lake_file WHERE pack = :pack AND retired_at < now() - make_interval(secs => :grace_s)
