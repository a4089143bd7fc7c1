-- Forget what jobs did longer ago than anybody looks.
-- Parameters: pack, kept_s (seconds). Grain: one row per report.
DELETE FROM job_report WHERE pack = :pack AND at < now() - make_interval(secs => CAST(:kept_s AS double precision))
