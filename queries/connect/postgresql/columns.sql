-- Every column that this role may read, with its table, its type and whether an index begins with it. Partitions and
-- children are left out: their parent stands for them. An index of the rows that have a value counts as one.
-- Parameters: none. Grain: one row per column.
SELECT
    n.nspname                                               AS schema_name,
    c.relname                                               AS table_name,
    c.relkind::text                                         AS table_kind,
    n.nspname = current_schema()                            AS is_default,
    a.attname                                               AS column_name,
    format_type(b.oid, coalesce(nullif(t.typtypmod, -1), a.atttypmod)) AS declared,
    b.typtype = 'e'                                         AS is_enum,
    (SELECT array_agg(e.enumlabel::text ORDER BY e.enumsortorder) FROM pg_enum AS e WHERE e.enumtypid = b.oid)
                                                            AS words,
    (SELECT array_position(i.indkey::int[], a.attnum::int) FROM pg_index AS i
     WHERE i.indrelid = c.oid AND i.indisprimary)           AS key_position,
    EXISTS (
        SELECT FROM pg_index AS i
        WHERE i.indrelid = c.oid AND i.indisvalid AND i.indkey[0] = a.attnum
          AND (i.indpred IS NULL
               OR pg_get_expr(i.indpred, c.oid) = format('(%I IS NOT NULL)', a.attname))
    )                                                       AS indexed
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type AS t ON t.oid = a.atttypid
JOIN pg_type AS b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND NOT c.relispartition
  AND NOT EXISTS (SELECT FROM pg_inherits AS h WHERE h.inhrelid = c.oid)
  AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
  AND has_schema_privilege(n.oid, 'USAGE')
  AND has_column_privilege(c.oid, a.attnum, 'SELECT')
ORDER BY n.nspname, c.relname, a.attnum
