-- Rows of the recipe `trades`, then a plain count of its hour: merchant, approvals, cancels, amount of both.
INSERT INTO trades (id, merchant_id, kind, amount, traded_at)
        SELECT n, n % 3, CASE WHEN n % 10 = 0 THEN 'CANCEL' ELSE 'APPROVAL' END, 1000 + n,
               timestamptz '2026-03-10 02:30Z' + n * interval '1 minute' FROM generate_series(0, 99) AS n;
UPDATE trades SET traded_at = timestamp '2026-03-10 11:30' + id * interval '1 minute';
-- count
SELECT merchant_id::text, count(*) FILTER (WHERE kind = 'APPROVAL'), count(*) FILTER (WHERE kind = 'CANCEL'),
        sum(amount) FROM trades
        WHERE traded_at >= '2026-03-10 12:00' AND traded_at < '2026-03-10 13:00' AND true GROUP BY 1
