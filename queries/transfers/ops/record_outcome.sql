-- Keep what became of a transfer; what was said later counts.
-- Parameters: transfer_id, fraud, actor. Grain: none.
INSERT INTO transfers.outcome (transfer_id, fraud, said_by)
VALUES (:transfer_id, :fraud, :actor)
ON CONFLICT (transfer_id) DO UPDATE SET fraud = excluded.fraud, said_by = excluded.said_by, reported_at = now()
