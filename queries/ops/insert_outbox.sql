-- What people are told, written by the transaction that changed the incidents.
-- A minute that is judged again after a restore may have been told already: its messages are looked for first.
-- Corrected there and back within one minute is one thing to tell.
-- Parameters: pack, events (jsonb array, in the order of delivery). Grain: one row per event.
INSERT INTO outbox (incident_id, event, minute, message, ambiguous)
SELECT incident_id, event, minute, message || jsonb_build_object('incident_id', incident_id),
       coalesce(minute < (SELECT told_until FROM watermark WHERE pack = :pack), false)
FROM jsonb_to_recordset(CAST(:events AS jsonb)) AS e(
    place bigint, incident_id bigint, event text, minute timestamptz, message jsonb
)
ORDER BY place
ON CONFLICT (incident_id, event, minute, number) DO NOTHING
