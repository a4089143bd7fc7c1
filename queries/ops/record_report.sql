-- Keep what a job did. The commit does not wait for the disk: a crash may lose the newest rows, and nothing else.
-- Parameters: pack, job, took_ms, result (jsonb object). Grain: one row.
INSERT INTO job_report (pack, job, took_ms, result)
SELECT :pack, :job, :took_ms, CAST(:result AS jsonb)
FROM set_config('synchronous_commit', 'off', true)
