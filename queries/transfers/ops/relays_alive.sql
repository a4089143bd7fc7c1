-- How many relays are at work.
-- Parameters: lease_s. Grain: one row.
SELECT count(*) FROM transfers.relay WHERE seen_at > clock_timestamp() - make_interval(secs => :lease_s)
