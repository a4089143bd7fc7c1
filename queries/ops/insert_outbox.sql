-- What people are told, written by the transaction that changed the incidents.
-- Parameters: events (jsonb array, in the order of delivery). Grain: one row per event.
INSERT INTO outbox (incident_id, event, minute, message)
SELECT incident_id, event, minute, message || jsonb_build_object('incident_id', incident_id)
FROM jsonb_to_recordset(CAST(:events AS jsonb)) AS e(
    place bigint, incident_id bigint, event text, minute timestamptz, message jsonb
)
ORDER BY place
