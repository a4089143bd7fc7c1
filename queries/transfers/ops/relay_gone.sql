-- Forgets a relay that ends, and those that were seen last an hour ago.
-- Parameters: owner. Grain: one row per relay.
DELETE FROM transfers.relay WHERE owner = :owner OR seen_at < clock_timestamp() - interval '1 hour' RETURNING owner
