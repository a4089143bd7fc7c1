-- Every column of the database that this user may read, with its table, its type and whether an index begins with it.
-- Parameters: none. Grain: one row per column.
SELECT
    c.TABLE_SCHEMA                                           AS schema_name,
    c.TABLE_NAME                                             AS table_name,
    CASE WHEN t.TABLE_TYPE LIKE '%VIEW' THEN 'v' ELSE 'r' END AS table_kind,
    1                                                        AS is_default,
    c.COLUMN_NAME                                            AS column_name,
    c.COLUMN_TYPE                                            AS declared,
    c.DATA_TYPE = 'enum'                                     AS is_enum,
    (SELECT s.SEQ_IN_INDEX FROM information_schema.STATISTICS AS s
     WHERE s.TABLE_SCHEMA = c.TABLE_SCHEMA AND s.TABLE_NAME = c.TABLE_NAME AND s.COLUMN_NAME = c.COLUMN_NAME
       AND s.INDEX_NAME = 'PRIMARY')                         AS key_position,
    EXISTS (
        SELECT 1 FROM information_schema.STATISTICS AS s
        WHERE s.TABLE_SCHEMA = c.TABLE_SCHEMA AND s.TABLE_NAME = c.TABLE_NAME AND s.COLUMN_NAME = c.COLUMN_NAME
          AND s.SEQ_IN_INDEX = 1
    )                                                        AS indexed
FROM information_schema.COLUMNS AS c
JOIN information_schema.TABLES AS t ON t.TABLE_SCHEMA = c.TABLE_SCHEMA AND t.TABLE_NAME = c.TABLE_NAME
WHERE c.TABLE_SCHEMA = DATABASE()
ORDER BY c.TABLE_NAME, c.ORDINAL_POSITION
