-- Who holds the breaker open. Parameters: none. Grain: one row, or none.
SELECT opened_at, opened_by, reason FROM transfers.breaker
