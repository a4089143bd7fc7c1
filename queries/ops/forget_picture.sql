-- No picture will be shown in this message.
-- Parameters: incident_id, channel, message_ts. Grain: none.
UPDATE picture SET file_id = NULL, shown_at = NULL
WHERE incident_id = :incident_id AND channel = :channel AND message_ts = :message_ts
