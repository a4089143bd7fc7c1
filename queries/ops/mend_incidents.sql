-- What a correction mends in incidents that are there: a mark that no longer holds, a beginning that lay earlier.
-- Parameters: pack, supported (bigint array), widened (jsonb array of incident_id, opened_minute). Grain: none.
WITH mended AS (
    SELECT incident_id, bool_or(supports) AS supports, min(opened_minute) AS opened_minute
    FROM (
        SELECT incident_id, true AS supports, NULL::timestamptz AS opened_minute
        FROM unnest(CAST(:supported AS bigint[])) AS s(incident_id)
        UNION ALL
        SELECT incident_id, false, opened_minute
        FROM jsonb_to_recordset(CAST(:widened AS jsonb)) AS w(incident_id bigint, opened_minute timestamptz)
    ) AS every
    GROUP BY incident_id
)
UPDATE incident
SET corrected_minute = CASE WHEN supports THEN NULL ELSE corrected_minute END,
    opened_minute = least(incident.opened_minute, mended.opened_minute)  -- what is null is left out
FROM mended
WHERE incident.pack = :pack AND incident.incident_id = mended.incident_id
