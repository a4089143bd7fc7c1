-- A payment as it is now.
-- Parameters: transfer_id. Grain: one row, none where nobody handed it in.
SELECT transfer_id, kind, status, account_id, user_id, amount, currency, country, occurred_at, payee_id, card_id,
       device_id, merchant_id, channel, lat_e6, lon_e6, account_opened
FROM transfers.event
WHERE transfer_id = :transfer_id
