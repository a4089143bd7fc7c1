-- Payments of a time as they are now.
-- Parameters: since (included), until (included). Grain: one row per payment.
SELECT transfer_id, kind, status, account_id, user_id, amount, currency, country, occurred_at, payee_id, card_id,
       device_id, merchant_id, channel, lat_e6, lon_e6, account_opened
FROM transfers.event
WHERE occurred_at >= :since AND occurred_at <= :until
