-- Payments of a span, by their own time, that relays and HTTP clients have brought into our own database.
-- Parameters: $1 start (timestamptz, included), $2 end (timestamptz, excluded). Grain: one row per payment.
SELECT transfer_id, kind, status, account_id, user_id, amount, currency, country, occurred_at, payee_id, card_id,
       device_id, merchant_id, channel, lat_e6, lon_e6, account_opened
FROM transfers.event
WHERE occurred_at >= $1 AND occurred_at < $2
