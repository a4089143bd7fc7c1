-- Transactions of a span, by their own time. This is the query to adapt to another company's table.
-- Parameters: start (included), end (excluded), both in UTC. Grain: one row per transaction.
-- It must give: transaction_id and merchant_id (integer or text), kind 'APPROVAL' | 'CANCEL', amount (integer or
-- DECIMAL as it stands: minor units, KRW has none; never cast), occurred_at TIMESTAMP, or occurred_at_utc if it is a
-- DATETIME that holds UTC. The key is transaction_id and kind.
-- The time column needs an index. A percent sign is written twice. It may give approved_at TIMESTAMP (or
-- approved_at_utc): of a cancel, when the approval was made that it cancels (null: not known).
SELECT transaction_id, merchant_id, kind, amount, occurred_at, original_occurred_at AS approved_at
FROM transactions
WHERE occurred_at >= %(start)s AND occurred_at < %(end)s
