-- What each merchant did in an hour.
-- Parameters: first, stop (aware times, stop excluded).
-- Grain: one row per merchant with at least one transaction.
SELECT
    merchant_id,
    sum(approval_count)::BIGINT AS approval_count,
    sum(cancel_count)::BIGINT AS cancel_count,
    sum(approval_amount)::BIGINT AS approval_amount
FROM merchant_minute
WHERE minute >= $first::TIMESTAMPTZ AND minute < $stop::TIMESTAMPTZ
GROUP BY merchant_id
