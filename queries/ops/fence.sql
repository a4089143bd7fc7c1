-- Does this process still lead? Locks the leader's row until the commit, so a takeover waits for it.
-- Parameters: pack, epoch. Grain: one row when it leads, none when it was replaced.
SELECT 1 FROM leader WHERE scope = :pack AND epoch = :epoch FOR SHARE
