-- Transactions of a span, by their own time. This is the query to adapt to another company's table.
-- Parameters: start (included), end (excluded), both in UTC. Grain: one row per transaction.
-- It must give: transaction_id BIGINT, merchant_id BIGINT or VARCHAR, kind 'APPROVAL' | 'CANCEL',
-- amount BIGINT (minor units), occurred_at TIMESTAMP, or occurred_at_utc if it is a DATETIME that holds UTC.
-- The time column needs an index. A percent sign is written twice. It may give approved_at TIMESTAMP (or
-- approved_at_utc): of a cancel, when the approval was made that it cancels (null: not known).
SELECT transaction_id, merchant_id, kind, amount, occurred_at, original_occurred_at AS approved_at
FROM transactions
WHERE occurred_at >= %(start)s AND occurred_at < %(end)s
