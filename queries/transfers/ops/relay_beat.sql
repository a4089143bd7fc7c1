-- A relay says that it is alive.
-- Parameters: owner, breaker (closed, open, held), error, sent. Grain: one row: whether people hold the breaker open.
INSERT INTO transfers.relay (owner, seen_at, breaker, error, sent)
VALUES (:owner, clock_timestamp(), :breaker, :error, :sent)
ON CONFLICT (owner) DO UPDATE
SET seen_at = excluded.seen_at, breaker = excluded.breaker, error = excluded.error, sent = excluded.sent
RETURNING EXISTS (SELECT FROM transfers.breaker) AS held
