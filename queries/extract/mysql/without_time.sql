-- Transactions that belong to no minute because their time is missing; they are counted and raise an alarm.
-- MySQL's zero date says the same as NULL and stands before every other time.
-- Parameters: none. Grain: one row.
SELECT COUNT(*) AS `rows` FROM transactions WHERE occurred_at IS NULL OR occurred_at < '1970-01-02 00:00:00'
