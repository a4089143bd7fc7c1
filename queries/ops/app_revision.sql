-- At which revision the tables of the operational database stand.
-- Parameters: none. Grain: one row; the table is missing where nothing has ever set the database up.
SELECT max(version_num) AS revision
FROM schema_version
