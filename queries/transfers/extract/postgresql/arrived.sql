-- Payments that were written lately by transactions which had not ended at the fence; the watch reads them each second
-- and tells those that it has seen by their ids. The columns are those of events.sql. A status that changes must renew
-- the time the row was written (here updated_at), or the change is found by the search for late commits alone.
-- Parameters: $1 look-back (timestamptz, by the time rows were written; needs an index), $2 the fence's xmin
-- modulo 2^32 (bigint). Grain: one row per payment.
SELECT transfer_id, kind, status, account_id, user_id, amount, currency, country, occurred_at, payee_id, card_id,
       device_id, merchant_id, channel, lat_e6, lon_e6, account_opened
FROM transfer
WHERE updated_at >= $1 AND age(xmin) <= (SELECT age($2::bigint::text::xid))
