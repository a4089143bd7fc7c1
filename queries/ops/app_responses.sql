-- How long after it opened an incident was acknowledged, and resolved: by its owner, and of all (owner null, of_all).
-- Parameters: pack, start, stop (minutes, stop excluded), at_most (owners). Grain: one row per owner, and one of all.
SELECT owner, grouping(owner) = 1 AS of_all, count(*) AS incidents,
       count(acknowledged_at) AS acknowledged,
       percentile_disc(0.5) WITHIN GROUP (ORDER BY acknowledged_at - opened_at) AS acknowledged_median,
       count(resolved_at) AS resolved,
       percentile_disc(0.5) WITHIN GROUP (ORDER BY resolved_at - opened_at) AS resolved_median
FROM incident
WHERE pack = :pack AND opened_minute >= :start AND opened_minute < :stop
GROUP BY GROUPING SETS ((), (owner))
ORDER BY of_all DESC, incidents DESC, owner
LIMIT :at_most
