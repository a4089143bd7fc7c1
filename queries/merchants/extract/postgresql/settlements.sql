-- Payouts of the minutes in [start, end), by the time at which they were paid; optional: what is paid out, still to be
-- paid and not taken off is known by it. Read in the snapshot of the transactions, so the time needs an index.
-- Parameters: $1 start (timestamptz, inclusive), $2 end (timestamptz, exclusive).
-- Grain: one row per payout of a merchant's business day of sales; a negative amount is withheld from a later one.
SELECT merchant_id, business_date, amount, settled_at
FROM settlements
WHERE settled_at >= $1 AND settled_at < $2
