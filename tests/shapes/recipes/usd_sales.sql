-- Rows of the recipe `usd_sales`, then a plain count of its hour: merchant, approvals, cancels, amount of both.
INSERT INTO usd_sales (id, merchant_id, kind, amount, sold_at)
        SELECT n, n % 3, CASE WHEN n % 10 = 0 THEN 'CANCEL' ELSE 'APPROVAL' END, 1000 + n,
               timestamptz '2026-03-10 02:30Z' + n * interval '1 minute' FROM generate_series(0, 99) AS n;
-- count
SELECT merchant_id::text, count(*) FILTER (WHERE kind = 'APPROVAL'), count(*) FILTER (WHERE kind = 'CANCEL'),
        sum(amount * 100) FROM usd_sales
        WHERE sold_at >= timestamptz '2026-03-10 03:00Z' AND sold_at < timestamptz '2026-03-10 04:00Z' AND true GROUP BY 1
