-- Which of some names are taken. Parameters: names. Grain: one row per account.
SELECT name FROM account WHERE name = ANY(:names)
