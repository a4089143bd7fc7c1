-- Lets relays deliver again. Parameters: none. Grain: one row; none where nobody holds the breaker.
DELETE FROM transfers.breaker RETURNING opened_at, opened_by, reason
