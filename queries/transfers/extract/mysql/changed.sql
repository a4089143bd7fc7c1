-- Minutes that got rows lately; only their totals tell whether we have counted these rows already.
-- updated_at is when the row was written, by the server's own clock; it needs an index.
-- Parameters: start, the look-back (UTC). Grain: one row per minute.
SELECT TIMESTAMP '1970-01-01 00:00:00' + INTERVAL minute_number MINUTE AS minute_utc
FROM (
    SELECT DISTINCT TIMESTAMPDIFF(MINUTE, '1970-01-01 00:00:00', occurred_at) AS minute_number
    FROM transfer
    WHERE updated_at >= %(start)s
      AND occurred_at >= '1970-01-02 00:00:00' AND occurred_at < '2200-01-01 00:00:00'  -- the others: without_time
) AS written
ORDER BY minute_number
