-- Gives leases back: those of some buckets.
-- Parameters: owner, buckets (array). Grain: one row per bucket that is free now.
UPDATE transfers.bucket_lease SET owner = NULL, until = '-infinity'
WHERE owner = :owner AND bucket = ANY (CAST(:buckets AS smallint[]))
RETURNING bucket
