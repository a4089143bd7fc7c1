-- Takes leases that have run out, as many as a relay may have besides those it holds. A lease that somebody is just
-- delivering under is locked and is left alone.
-- Parameters: owner, lease_s, at_most. Grain: one row per bucket that is taken, with its new epoch.
WITH free AS (
    SELECT bucket FROM transfers.bucket_lease WHERE until <= clock_timestamp() ORDER BY bucket LIMIT :at_most
    FOR UPDATE SKIP LOCKED
)
UPDATE transfers.bucket_lease AS lease
SET owner = :owner, epoch = lease.epoch + 1, until = clock_timestamp() + make_interval(secs => :lease_s)
FROM free WHERE lease.bucket = free.bucket
RETURNING lease.bucket, lease.epoch
