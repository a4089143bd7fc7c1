-- Which category each merchant is of, and its name. One without history starts from the cancel rate of its category;
-- people look for it by its name. Optional: without this file it starts from that of all merchants, and is found by
-- its id. Read once a business day, whole.
-- Parameters: none. Grain: one row per merchant. More than 1,000,000 rows are refused.
SELECT merchant_id, category, name AS merchant_name
FROM merchants
WHERE category IS NOT NULL OR name IS NOT NULL
LIMIT 1000001
