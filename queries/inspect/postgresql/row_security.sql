-- Tables whose rows are hidden from the role by row security: it counts only what the policies show.
-- Parameters: none. Grain: one row per table.
SELECT c.oid::regclass::text AS relation
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relrowsecurity AND n.nspname !~ '^pg_'
  AND has_table_privilege(c.oid, 'SELECT') AND row_security_active(c.oid)
ORDER BY relation
LIMIT 20
