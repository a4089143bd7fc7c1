-- Find the message of an incident that later ones edit and answer: the first that reached the channel.
-- Parameters: incident_id, channel.
-- Grain: no row or one; `shared` is true where that message is a digest of several incidents,
--   `instead_of` is the channel that did not take it, `newest_outbox_id` is the incident's newest message already sent,
--   `picture` the file that the message shows.
SELECT root.outbox_id, root.incident_id, root.event, root.minute, root.number, root.message_ts,
       root.ambiguous AS repeat,
       (SELECT before.destination FROM outbox AS before WHERE before.outbox_id = root.instead_of) AS instead_of,
       EXISTS (
           SELECT FROM outbox AS other
           WHERE other.message_ts = root.message_ts
             AND other.channel = root.channel
             AND other.incident_id <> root.incident_id
       ) AS shared,
       max(root.outbox_id) OVER () AS newest_outbox_id,
       (
           SELECT file_id FROM picture
           WHERE picture.incident_id = root.incident_id
             AND picture.channel = root.channel
             AND picture.message_ts = root.message_ts
       ) AS picture
FROM outbox AS root
WHERE root.incident_id = :incident_id
  AND root.channel = :channel
  AND root.status = 'sent'
  AND root.message_ts IS NOT NULL
ORDER BY root.outbox_id
LIMIT 1
