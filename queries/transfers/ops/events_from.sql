-- All events from a moment on, as they are now.
-- Parameters: $1 the moment. Grain: one row per event.
SELECT
    transfer_id, kind, status, account_id, user_id, amount, currency, country, occurred_at, payee_id, card_id,
    device_id, merchant_id, channel, lat_e6, lon_e6, account_opened
FROM transfers.event
WHERE occurred_at >= $1
