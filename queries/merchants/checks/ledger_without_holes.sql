-- Check: Between the first and the last minute of the ledger none is missing.
-- 검사: 원장의 첫 1분과 마지막 1분 사이에 빠진 1분이 없다.
-- Severity: error
-- Next: run `minuterisk backfill` over the gap, or `minuterisk start-anew` where the mapping was wrong
WITH following AS (
    SELECT minute, lead(minute) OVER (ORDER BY minute) AS next_minute FROM minute_ledger
)
SELECT minute::VARCHAR AS after, (epoch_us(next_minute) - epoch_us(minute)) // 60000000 - 1 AS missing
FROM following
WHERE epoch_us(next_minute) - epoch_us(minute) > 60000000
ORDER BY minute
