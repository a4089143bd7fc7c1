-- Payments that relays and HTTP clients brought or changed in transactions which had not ended at the fence. The column
-- `written` names the transaction that wrote a row last, with all of its bits, so it needs no look-back in time.
-- Parameters: $1 look-back (timestamptz; says nothing here), $2 the fence's xmin modulo 2^32 (bigint).
-- Grain: one row per payment.
SELECT transfer_id, kind, status, account_id, user_id, amount, currency, country, occurred_at, payee_id, card_id,
       device_id, merchant_id, channel, lat_e6, lon_e6, account_opened
FROM transfers.event
WHERE $1::timestamptz IS NOT NULL
  AND written >= (
    SELECT (pg_snapshot_xmin(pg_current_snapshot())::text::bigint
        + age((pg_snapshot_xmin(pg_current_snapshot())::text::bigint % 4294967296)::text::xid)
        - age($2::bigint::text::xid))::text::xid8
)
