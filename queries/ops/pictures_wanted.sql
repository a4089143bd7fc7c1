-- Opening messages that have no picture yet, or do not show the one that was uploaded.
-- A digest tells of several incidents and gets none. Where messages of the pack wait for the channel, none is wanted.
-- Parameters: pack, since (of messages sent after it), now, home_channel (what `default` is called), limit.
-- Grain: one row per incident and channel, most money at risk first.
WITH busy AS (
    SELECT DISTINCT CASE destination WHEN 'default' THEN CAST(:home_channel AS text) ELSE destination END AS channel
    FROM outbox
    JOIN incident USING (incident_id)
    WHERE pack = :pack
      AND (outbox.status = 'sending' OR (outbox.status = 'pending' AND next_attempt_at <= :now))
), root AS (
    SELECT DISTINCT ON (outbox.incident_id, outbox.channel)
           outbox.incident_id, outbox.channel, outbox.message_ts, outbox.sent_at
    FROM outbox
    JOIN incident USING (incident_id)
    WHERE incident.pack = :pack AND outbox.status = 'sent' AND outbox.message_ts IS NOT NULL
      AND incident.opened_at > CAST(:since AS timestamptz) - interval '1 day'
    ORDER BY outbox.incident_id, outbox.channel, outbox.outbox_id
)
SELECT root.incident_id, root.channel, root.message_ts, root.sent_at, rule, entity_id, opened_minute,
       latest_reason AS reason, picture.file_id, picture.made_at
FROM root
JOIN incident USING (incident_id)
LEFT JOIN picture USING (incident_id, channel, message_ts)
WHERE root.sent_at > :since
  AND NOT EXISTS (SELECT FROM busy WHERE busy.channel = root.channel)
  AND (picture.incident_id IS NULL OR (picture.file_id IS NOT NULL AND picture.shown_at IS NULL))
  AND NOT EXISTS (
      SELECT FROM outbox AS other
      WHERE other.message_ts = root.message_ts AND other.channel = root.channel
        AND other.incident_id <> root.incident_id
  )
ORDER BY coalesce(expected_loss, at_risk) DESC NULLS FIRST, root.incident_id
LIMIT :limit
