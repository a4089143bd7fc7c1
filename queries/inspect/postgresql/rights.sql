-- Tables that the role may change, or owns: a reader needs neither. The 20 first by name, with how many there are.
-- Parameters: none. Grain: one row per table.
SELECT
    c.oid::regclass::text                     AS relation,
    pg_has_role(c.relowner, 'USAGE')          AS owns,
    has_table_privilege(c.oid, 'INSERT')      AS inserts,
    has_table_privilege(c.oid, 'UPDATE')      AS updates,
    has_table_privilege(c.oid, 'DELETE')      AS deletes,
    has_table_privilege(c.oid, 'TRUNCATE')    AS truncates,
    count(*) OVER ()                          AS relations
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm')
  AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
  AND (pg_has_role(c.relowner, 'USAGE') OR has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE'))
ORDER BY relation
LIMIT 20
