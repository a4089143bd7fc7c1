-- The silences that hold now. Each is kept from being closed until this transaction ends: what is silenced in it is
-- there to be seen when people are told what is still open. The clock is asked at this very moment, not at the
-- beginning of the transaction, and a silence that was closed meanwhile holds no longer.
-- Parameters: pack. Grain: one row per silence, oldest first.
SELECT silence_id, match, reason, starts_at, ends_at
FROM silence
WHERE ended_at IS NULL
  AND starts_at <= clock_timestamp()
  AND ends_at > clock_timestamp()
  AND NOT :pack = ANY(closed_packs)
ORDER BY silence_id
FOR SHARE
