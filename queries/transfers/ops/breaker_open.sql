-- Holds the breaker open: no relay delivers anything.
-- Parameters: now, actor, reason. Grain: one row; none where it is held already.
INSERT INTO transfers.breaker (opened_at, opened_by, reason) VALUES (:now, :actor, :reason)
ON CONFLICT DO NOTHING
RETURNING opened_at
