-- Payments that belong to no minute, because their time is missing or absurd; they are counted, with an alarm.
-- MySQL's zero date says the same as NULL and stands before every other time.
-- Parameters: none. Grain: one row.
SELECT COUNT(*) AS `rows`
FROM transfer
WHERE occurred_at IS NULL OR occurred_at < '1970-01-02 00:00:00' OR occurred_at >= '2200-01-01 00:00:00'
