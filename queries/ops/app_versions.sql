-- Which versions are at work, how large the published files are, and who leads.
-- Parameters: pack.
-- Grain: one row; what is not known is null.
SELECT
    (SELECT version_num FROM schema_version)                                 AS schema_version,
    current_setting('server_version')                                       AS server_version,
    pg_database_size(current_database())                                    AS database_bytes,
    (SELECT version FROM watermark WHERE watermark.pack = asked.pack)       AS publication,
    (SELECT next_minute FROM watermark WHERE watermark.pack = asked.pack)   AS next_minute,
    judged.rules_version,
    rules.in_force_from                                                     AS rules_from,
    rules.approved_by                                                       AS rules_by,
    leader.epoch,
    leader.holder,
    leader.heartbeat_at,
    now()                                                                   AS database_clock,
    files.files,
    files.bytes,
    files.first_minute
FROM (SELECT CAST(:pack AS text) AS pack) AS asked
LEFT JOIN leader ON leader.scope = asked.pack
LEFT JOIN LATERAL (
    SELECT rules_version
    FROM minute_ledger
    WHERE minute_ledger.pack = asked.pack AND judged_at IS NOT NULL
    ORDER BY minute DESC
    LIMIT 1
) AS judged ON true
LEFT JOIN rule_version AS rules ON rules.pack = asked.pack AND rules.version = judged.rules_version
CROSS JOIN LATERAL (
    SELECT count(*) AS files, coalesce(sum(bytes), 0)::bigint AS bytes, min(start_minute) AS first_minute
    FROM lake_file
    WHERE lake_file.pack = asked.pack AND retired_at IS NULL
) AS files
