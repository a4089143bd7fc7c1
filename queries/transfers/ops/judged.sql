-- What is known of events: the status by which each was judged, null: it was not; and what is stored of it.
-- Parameters: keys (text array of ids). Grain: one row per event that is stored or was judged.
SELECT transfer_id, log.status AS judged, event.kind, event.status, event.account_id, event.user_id, event.amount,
       event.currency, event.country, event.occurred_at, event.payee_id, event.card_id, event.device_id,
       event.merchant_id, event.channel, event.lat_e6, event.lon_e6, event.account_opened
FROM (SELECT * FROM transfers.risk_log WHERE transfer_id = ANY (CAST(:keys AS text[]))) AS log
FULL JOIN (SELECT * FROM transfers.event WHERE transfer_id = ANY (CAST(:keys AS text[]))) AS event USING (transfer_id)
