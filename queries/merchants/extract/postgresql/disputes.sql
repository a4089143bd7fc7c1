-- Frauds, disputes and sales by merchant and day, as card networks report them, for the forecast of their programmes.
-- Optional: without this file nothing is foreseen. Read once a business day, whole.
-- kind: fraud or dispute; or sales, where our own minutes do not reach back, or not all sales count. Rows of the same
-- merchant, day and kind are added up. Without days give `month` (2026-11) instead of `day`. amount_usd may be missing.
-- Sales may be those of a few merchants: of each month they stand in place of what our minutes have of these; all
-- others are ours. So give a merchant's whole sales of a month, or none.
-- Parameters: none. Grain: any, of this month and the one before. More than 1,000,000 rows are refused.
SELECT merchant_id, day, kind, count, amount_usd
FROM disputes
WHERE day >= (date_trunc('month', now() AT TIME ZONE 'Asia/Seoul') - interval '1 month')::date
LIMIT 1000001
