-- How many accounts there are. Parameters: none. Grain: one row.
SELECT count(*) AS accounts FROM account
