-- Events without a time. Parameters: none. Grain: one row.
SELECT count(*) AS rows FROM events WHERE occurred_at IS NULL
