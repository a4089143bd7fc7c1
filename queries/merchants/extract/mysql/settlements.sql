-- Payouts of the minutes in [start, end), by the time at which they were paid; optional: what is paid out, still to be
-- paid and not taken off is known by it. Read in the snapshot of the transactions, so the time needs an index.
-- Parameters: start (included), end (excluded), both in UTC.
-- Grain: one row per payout of a merchant's business day of sales; a negative amount is withheld from a later one.
SELECT merchant_id, business_date, amount, settled_at
FROM settlements
WHERE settled_at >= %(start)s AND settled_at < %(end)s
