-- What an outbox still holds.
-- Parameters: now (the outbox's clock). Grain: one row.
SELECT count(*) AS pending, count(*) FILTER (WHERE retry_at > :now) AS waiting,
       CAST(extract(epoch FROM CAST(:now AS timestamptz) - min(created_at)) AS double precision) AS oldest_s
FROM transfer_events WHERE status = 'pending'
