-- How far the reading of the first start's history is, and how long it has taken, as the ledger keeps it.
-- Parameters: pack.
-- Grain: one row; nulls before the first piece is published. Minutes of the first piece give no pace: nobody knows when
-- it began.
SELECT
    min(minute) AS first_minute,
    count(*) AS minutes,
    count(*) FILTER (WHERE committed_at > first_commit) AS minutes_since,
    max(committed_at) - min(committed_at) AS lasted
FROM minute_ledger
CROSS JOIN (SELECT min(committed_at) AS first_commit FROM minute_ledger WHERE pack = :pack) AS begun
WHERE pack = :pack
