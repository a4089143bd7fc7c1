-- Transactions of a span, by their own time. This is the query to adapt to another company's table.
-- Parameters: $1 start (timestamptz, included), $2 end (timestamptz, excluded). Grain: one row per transaction.
-- It must give: transaction_id and merchant_id (integer, TEXT, UUID), kind 'APPROVAL' | 'CANCEL', amount (integer or
-- NUMERIC as it stands: minor units, KRW has none; never cast), occurred_at TIMESTAMPTZ. The key is transaction_id
-- and kind. The time column needs an index. It may give approved_at
-- TIMESTAMPTZ: of a cancel, when the approval was made that it cancels (null: not known).
SELECT transaction_id, merchant_id, kind, amount, occurred_at, original_occurred_at AS approved_at
FROM transactions
WHERE occurred_at >= $1 AND occurred_at < $2
