-- Incidents that were unresolved at any minute of a span.
-- Parameters: pack, first, last (minutes, both included). Grain: one row per incident.
SELECT *
FROM incident_now
WHERE pack = :pack AND opened_minute <= :last AND (resolved_minute IS NULL OR resolved_minute >= :first)
