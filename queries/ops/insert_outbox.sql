-- What people are told, written by the transaction that changed the incidents: a row for each channel.
-- A minute that is judged again after a restore may have been told already: its messages are looked for first.
-- Corrected there and back within one minute is one thing to tell. What is silenced is kept, and told by nobody.
-- Parameters: pack, events (jsonb array, in the order of delivery). Grain: one row per event and channel.
INSERT INTO outbox (
    incident_id, event, minute, number, message, destination, second, why, route, silence_id, status, ambiguous
)
SELECT incident_id, event, minute, number, message || jsonb_build_object('incident_id', incident_id),
       destination, second, why, route, silence_id, status,
       coalesce(minute < (SELECT told_until FROM watermark WHERE pack = :pack), false)
FROM jsonb_to_recordset(CAST(:events AS jsonb)) AS e(
    place bigint, incident_id bigint, event text, minute timestamptz, number integer, message jsonb,
    destination text, second text, why text, route text, silence_id bigint, status text
)
ORDER BY place
ON CONFLICT (incident_id, event, minute, number, destination) DO NOTHING
