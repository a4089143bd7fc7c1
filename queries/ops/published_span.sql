-- First and last published minute, how many there are between, and the newest judged one.
-- Parameters: pack. Grain: one row; nulls when nothing is published.
SELECT min(minute) AS first_minute, max(minute) AS last_minute, count(*) AS minutes,
       (SELECT max(minute) FROM minute_ledger WHERE pack = :pack AND judged_at IS NOT NULL) AS last_judged
FROM minute_ledger
WHERE pack = :pack
