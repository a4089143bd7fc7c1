-- What a correction mends in incidents that are there: a mark that no longer holds, a beginning that lay earlier.
-- Parameters: pack, supported (bigint array), widened (jsonb array of incident_id, opened_minute). Grain: none.
WITH supported AS (
    UPDATE incident SET corrected_minute = NULL WHERE pack = :pack AND incident_id = ANY(:supported)
)
UPDATE incident SET opened_minute = i.opened_minute
FROM jsonb_to_recordset(CAST(:widened AS jsonb)) AS i(incident_id bigint, opened_minute timestamptz)
WHERE incident.pack = :pack AND incident.incident_id = i.incident_id AND i.opened_minute < incident.opened_minute
