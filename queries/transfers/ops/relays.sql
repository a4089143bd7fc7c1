-- The relays that were seen of late, with what they lease.
-- Parameters: none. Grain: one row per relay.
SELECT owner, seen_at, CAST(extract(epoch FROM clock_timestamp() - seen_at) AS double precision) AS silent_s, breaker, error, sent,
       (SELECT count(*) FROM transfers.bucket_lease AS lease
        WHERE lease.owner = relay.owner AND lease.until > clock_timestamp()) AS buckets
FROM transfers.relay ORDER BY owner
