-- What the source holds per minute. Parameters: $1 start, $2 end (timestamptz). Grain: one row per minute with an event.
SELECT date_trunc('minute', occurred_at, 'UTC') AS minute, count(*) AS rows
FROM events
WHERE occurred_at >= $1 AND occurred_at < $2
GROUP BY 1
