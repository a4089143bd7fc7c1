-- Payments of a span, by their own time. This is the query to adapt to another company's table.
-- Parameters: start (included), end (excluded), both in UTC. Grain: one row per payment.
-- It must give: transfer_id and account_id (integer or text, at most 64 characters), kind 'transfer' | 'card' | 'cash',
-- status 'completed' | 'declined' | 'reversed', amount (integer or DECIMAL as it stands: minor units of its currency;
-- never cast), currency (three letters), occurred_at TIMESTAMP, or occurred_at_utc if it is a DATETIME that holds UTC.
-- The time column needs an index. A percent sign is written twice. It may give user_id, country, payee_id, card_id,
-- device_id, merchant_id, channel (text), lat_e6 and lon_e6 (INT, millionths of a degree), account_opened TIMESTAMP
-- (or account_opened_utc); what is missing is unknown to every rule.
SELECT transfer_id, kind, status, account_id, user_id, amount, currency, country, occurred_at, payee_id, card_id,
       device_id, merchant_id, channel, lat_e6, lon_e6, account_opened
FROM transfer
WHERE occurred_at >= %(start)s AND occurred_at < %(end)s
