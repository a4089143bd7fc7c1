-- The message shows its picture.
-- Parameters: incident_id, channel, message_ts. Grain: none.
UPDATE picture SET shown_at = now()
WHERE incident_id = :incident_id AND channel = :channel AND message_ts = :message_ts AND file_id IS NOT NULL
