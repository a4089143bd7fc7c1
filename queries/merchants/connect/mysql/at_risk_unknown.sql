-- There is no table of payouts: no row, and the money at risk is unknown. Give merchant_id (text), merchant_name,
-- settled_through (date) and paid_out (integer, minor units) of the asked merchants to have it.
-- Parameters: merchants (list of ids), today (date, business day), cancelable_days (int), moment (UTC).
-- Grain: none.

SELECT CAST(NULL AS CHAR) AS merchant_id, CAST(NULL AS CHAR) AS merchant_name, CAST(NULL AS DATE) AS settled_through,
    CAST(NULL AS SIGNED) AS paid_out
FROM DUAL
WHERE FALSE
