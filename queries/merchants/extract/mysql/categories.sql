-- Which category each merchant is of; one without history starts from the cancel rate of its category.
-- Optional: without this file it starts from that of all merchants. Read once a business day, whole.
-- Parameters: none. Grain: one row per merchant. More than 1,000,000 rows are refused.
SELECT merchant_id, category FROM merchants WHERE category IS NOT NULL LIMIT 1000001
