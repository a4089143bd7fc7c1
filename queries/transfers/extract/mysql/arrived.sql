-- Payments that were written lately; the watch reads them each second and tells those that it has seen by their ids.
-- The columns are those of events.sql. A status that changes must renew the time the row was written (updated_at).
-- Parameters: start, the look-back (UTC), by the time rows were written; needs an index. Grain: one row per payment.
SELECT transfer_id, kind, status, account_id, user_id, amount, currency, country, occurred_at, payee_id, card_id,
       device_id, merchant_id, channel, lat_e6, lon_e6, account_opened
FROM transfer
WHERE updated_at >= %(start)s
