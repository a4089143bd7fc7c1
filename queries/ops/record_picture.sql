-- A picture was uploaded for a message, or (null) there is none to show.
-- Parameters: incident_id, channel, message_ts, file_id (or null). Grain: none.
INSERT INTO picture (incident_id, channel, message_ts, file_id)
VALUES (:incident_id, :channel, :message_ts, :file_id)
ON CONFLICT DO NOTHING
