-- Which transactions brought events and wrote them last, for those of a span.
-- Parameters: $1 the start. Grain: one row per event.
SELECT transfer_id, CAST(CAST(inserted AS text) AS bigint) AS inserted, CAST(CAST(written AS text) AS bigint) AS written
FROM transfers.event
WHERE occurred_at >= $1
