-- Incidents that were unresolved at any minute of a span, or that a person resolved and whose breach went on: it has
-- to be quiet for a week at most.
-- Parameters: pack, first, last (minutes, both included). Grain: one row per incident.
SELECT *
FROM incident_now
WHERE pack = :pack AND opened_minute <= :last
  AND (resolved_minute IS NULL OR resolved_minute >= :first
       OR breached_minute >= CAST(:first AS timestamptz) - interval '7 days')
