-- The channels in which incidents were told, or are about to be.
-- Parameters: ids (array of incident_id). Grain: one row per incident and channel.
SELECT DISTINCT incident_id, destination
FROM outbox
WHERE incident_id = ANY(:ids) AND status IN ('pending', 'sending', 'sent')
ORDER BY incident_id, destination
