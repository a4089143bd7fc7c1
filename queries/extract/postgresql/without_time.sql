-- Transactions that belong to no minute because their time is missing; they are counted and raise an alarm.
-- Parameters: none. Grain: one row.
SELECT count(*) AS rows FROM transactions WHERE occurred_at IS NULL
