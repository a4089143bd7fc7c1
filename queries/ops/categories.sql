-- What is known of the merchants' categories over time, oldest first; null: unknown from then on.
-- Parameters: none. Grain: one row per merchant and change.
SELECT from_minute, merchant_id, category FROM merchant_category ORDER BY from_minute, merchant_id
