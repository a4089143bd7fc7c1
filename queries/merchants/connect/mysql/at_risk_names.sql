-- Names of some merchants. There is no table of payouts, so the money at risk is not known: give settled_through
-- (date) and paid_out (minor units) of the asked merchants to have it.
-- Parameters: merchants (list of ids), today (date, business day), cancelable_days (int), moment (UTC).
-- Grain: one row per merchant that the merchants table knows.

SELECT
    CAST(merchant_id AS CHAR) AS merchant_id, name AS merchant_name, CAST(NULL AS DATE) AS settled_through,
    CAST(NULL AS SIGNED) AS paid_out
FROM (
    {known}
) AS known
