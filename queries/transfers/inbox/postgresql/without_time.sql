-- Payments that belong to no minute, because their time is missing or absurd; they are counted, with an alarm.
-- Parameters: none. Grain: one row.
SELECT count(*) AS rows FROM transfers.event WHERE occurred_at IS NULL OR occurred_at < '1970-01-02Z' OR occurred_at >= '2200-01-01Z'
