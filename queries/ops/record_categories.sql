-- Store changes of merchants' categories.
-- Parameters: changes (jsonb array). Grain: one row per merchant and change.
INSERT INTO merchant_category (merchant_id, from_minute, category)
SELECT merchant_id, from_minute, category
FROM jsonb_to_recordset(CAST(:changes AS jsonb)) AS c(merchant_id text, from_minute timestamptz, category text)
