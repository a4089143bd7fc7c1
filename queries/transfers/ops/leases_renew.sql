-- Renews the leases of a relay that have not run out. One that has is taken anew, with its next epoch.
-- Parameters: owner, lease_s. Grain: one row per bucket that it still holds.
UPDATE transfers.bucket_lease SET until = clock_timestamp() + make_interval(secs => :lease_s)
WHERE owner = :owner AND until > clock_timestamp()
RETURNING bucket, epoch
