-- Events that were written by transactions a snapshot did not show yet, with what a status was then.
-- Parameters: $1 the snapshot as text.
-- Grain: one row per event. known_as: its status as that snapshot showed it; null where it did not show the event.
SELECT
    e.transfer_id, e.kind, e.status, e.account_id, e.user_id, e.amount, e.currency, e.country, e.occurred_at,
    e.payee_id, e.card_id, e.device_id, e.merchant_id, e.channel, e.lat_e6, e.lon_e6, e.account_opened,
    CASE
        WHEN pg_visible_in_snapshot(e.inserted, CAST(CAST($1 AS text) AS pg_snapshot)) THEN coalesce(
            (
                SELECT c.before ->> 'status'
                FROM transfers.correction_log AS c
                WHERE c.transfer_id = e.transfer_id AND c.kind = 'correction'
                  AND NOT pg_visible_in_snapshot(c.written, CAST(CAST($1 AS text) AS pg_snapshot))
                ORDER BY c.number
                LIMIT 1
            ),
            e.status
        )
    END AS known_as
FROM transfers.event AS e
WHERE e.written >= pg_snapshot_xmin(CAST(CAST($1 AS text) AS pg_snapshot))
  AND NOT pg_visible_in_snapshot(e.written, CAST(CAST($1 AS text) AS pg_snapshot))
