-- Incidents that corrected data no longer support at any minute.
-- Parameters: pack, ids (bigint array), minute. Grain: one row per incident.
UPDATE incident SET corrected_minute = :minute
WHERE pack = :pack AND incident_id = ANY(:ids) AND corrected_minute IS NULL
