-- Silences, newest first.
-- Parameters: pack, with_ended (false: only those that hold or will), at_most.
-- Grain: one row per silence; `silenced` counts the messages of the pack that it has kept.
SELECT silence_id, match, reason, starts_at, ends_at, created_at, created_by, ended_at, ended_by,
       CASE
           WHEN ended_at IS NOT NULL OR ends_at <= now() THEN 'ended'
           WHEN starts_at > now() THEN 'planned'
           ELSE 'in force'
       END AS state,
       (
           SELECT count(*)
           FROM outbox
           JOIN incident USING (incident_id)
           WHERE outbox.silence_id = silence.silence_id AND outbox.status = 'silenced' AND pack = :pack
       ) AS silenced
FROM silence
WHERE :with_ended OR (ended_at IS NULL AND ends_at > now())
ORDER BY silence_id DESC
LIMIT :at_most
