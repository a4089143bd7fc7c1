-- Approvals and cancels of each category, minute by minute.
-- Parameters: merchants and categories (text lists of one order: which merchant is of which).
-- Grain: one row per category and minute (counted from the epoch) in which anything happened.
WITH member AS (
    SELECT unnest($merchants::VARCHAR[]) AS merchant_id, unnest($categories::VARCHAR[]) AS fact
)

SELECT
    fact,
    epoch_us(minute) // 60000000 AS minute,
    sum(approval_count)::BIGINT AS approval_count,
    sum(cancel_count)::BIGINT AS cancel_count
FROM merchant_minute
INNER JOIN member USING (merchant_id)
GROUP BY ALL
