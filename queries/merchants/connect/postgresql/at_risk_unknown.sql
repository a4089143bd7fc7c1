-- There is no table of payouts: no row, and the money at risk is unknown. Give merchant_id (text), merchant_name,
-- settled_through (date) and paid_out (bigint, minor units) of the asked merchants to have it.
-- Parameters: merchants (array of ids), today (date, business day), cancelable_days (int), moment (timestamptz).
-- Grain: none.

SELECT NULL::text AS merchant_id, NULL::text AS merchant_name, NULL::date AS settled_through, NULL::bigint AS paid_out
WHERE false
