-- Which business days the ledger holds, each with a mark that is another whenever a row of it has changed.
-- Parameters: pack, since, zone (of the business day). Grain: one row per business day.
SELECT CAST(minute AT TIME ZONE :zone AS date) AS day,
       concat_ws(
           ' ', count(*), sum(revision), count(*) FILTER (WHERE state = 'final'),
           extract(epoch FROM max(committed_at)), extract(epoch FROM max(judged_at)), count(judged_at),
           sum(rules_version)
       ) AS mark
FROM minute_ledger
WHERE pack = :pack AND minute >= :since
GROUP BY day
ORDER BY day
