-- Keeps leases from being taken over until the transaction ends, as far as they have not run out.
-- Parameters: owner, buckets (array). Grain: one row per bucket with its epoch.
SELECT bucket, epoch FROM transfers.bucket_lease
WHERE owner = :owner AND bucket = ANY (CAST(:buckets AS smallint[])) AND until > clock_timestamp()
ORDER BY bucket
FOR SHARE
