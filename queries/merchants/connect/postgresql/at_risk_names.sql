-- Names of some merchants. There is no table of payouts, so the money at risk is not known: give settled_through
-- (date) and paid_out (minor units) of the asked merchants to have it.
-- Parameters: merchants (array of ids), today (date, business day), cancelable_days (int), moment (timestamptz).
-- Grain: one row per merchant that the merchants table knows.

SELECT merchant_id::text AS merchant_id, name AS merchant_name, NULL::date AS settled_through, NULL::bigint AS paid_out
FROM (
    {known}
) AS known
