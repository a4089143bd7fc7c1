-- Takes events that are not known yet; one that is there stays as it is. They are numbered in their order and written
-- in the order of their ids: two who bring the same events in another order would wait for each other.
-- Parameters: events (JSON array of events in their order; times in milliseconds since 1970).
-- Grain: one row per new event.
WITH given AS MATERIALIZED (
    SELECT * FROM json_to_recordset(CAST(:events AS json)) AS given (
        place bigint, transfer_id text, kind text, status text, account_id text, user_id text, amount bigint,
        currency text, country text, occurred_at bigint, payee_id text, card_id text, device_id text,
        merchant_id text, channel text, lat_e6 integer, lon_e6 integer, account_opened bigint
    )
    ORDER BY place
),
numbered AS MATERIALIZED (
    SELECT *, nextval(pg_get_serial_sequence('transfers.event', 'number')) AS number FROM given
)
INSERT INTO transfers.event (
    transfer_id, kind, status, account_id, user_id, amount, currency, country, occurred_at, payee_id, card_id,
    device_id, merchant_id, channel, lat_e6, lon_e6, account_opened, number
) OVERRIDING SYSTEM VALUE
SELECT transfer_id, kind, status, account_id, coalesce(user_id, account_id), amount, currency, country,
       timestamptz 'epoch' + occurred_at * interval '1 millisecond', payee_id, card_id, device_id, merchant_id,
       channel, lat_e6, lon_e6, timestamptz 'epoch' + account_opened * interval '1 millisecond', number
FROM numbered
ORDER BY transfer_id
ON CONFLICT (transfer_id) DO NOTHING
RETURNING transfer_id
