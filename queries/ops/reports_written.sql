-- Which reports were written by themselves.
-- Parameters: pack. Grain: one row per report.
SELECT about FROM report WHERE pack = :pack
