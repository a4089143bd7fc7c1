-- How large some tables are, and how old what the planner knows of them is.
-- Parameters: tables (array of names without their schema). Grain: one row per table.
SELECT
    c.relname                                             AS table,
    c.reltuples::float8                                   AS estimated_rows,  -- -1: never analyzed
    c.relpages::bigint * 8192                             AS known_bytes,
    CASE WHEN c.relkind = 'r' THEN pg_relation_size(c.oid) ELSE 0 END AS bytes,
    greatest(s.last_analyze, s.last_autoanalyze)          AS analyzed_at,
    coalesce(s.n_mod_since_analyze, 0)                    AS changed_since
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
LEFT JOIN pg_stat_user_tables AS s ON s.relid = c.oid
WHERE c.relname = ANY(%(tables)s) AND c.relkind IN ('r', 'm') AND n.nspname !~ '^pg_'
