-- Was the part of the schema made that accounts stand in? Parameters: none. Grain: one row.
SELECT to_regclass('session') IS NOT NULL AS made
