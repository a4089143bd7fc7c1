-- Payments of a span, by their own time. This is the query to adapt to another company's table.
-- Parameters: $1 start (timestamptz, included), $2 end (timestamptz, excluded). Grain: one row per payment.
-- It must give: transfer_id and account_id (integer, TEXT, UUID; at most 64 characters), kind 'transfer' | 'card' |
-- 'cash', status 'completed' | 'declined' | 'reversed', amount (integer or NUMERIC as it stands: minor units of its
-- currency; never cast), currency (three letters), occurred_at TIMESTAMPTZ. The time column needs an index.
-- It may give user_id, country, payee_id, card_id, device_id, merchant_id, channel (text), lat_e6 and lon_e6 (INTEGER,
-- millionths of a degree), account_opened TIMESTAMPTZ; what is missing is unknown to every rule.
SELECT transfer_id, kind, status, account_id, user_id, amount, currency, country, occurred_at, payee_id, card_id,
       device_id, merchant_id, channel, lat_e6, lon_e6, account_opened
FROM transfer
WHERE occurred_at >= $1 AND occurred_at < $2
