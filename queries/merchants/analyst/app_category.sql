-- Approvals and cancels of some merchants together, minute by minute: those of one category.
-- Parameters: merchants (text list).
-- Grain: one row per minute (counted from the epoch) in which anything happened.
SELECT
    epoch_us(minute) // 60000000 AS minute,
    sum(approval_count)::BIGINT AS approval_count,
    sum(cancel_count)::BIGINT AS cancel_count
FROM merchant_minute
WHERE merchant_id IN (SELECT unnest($merchants::VARCHAR[]))
GROUP BY ALL
