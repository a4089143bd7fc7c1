-- Rows of the recipe `charges`, then a plain count of its hour: merchant, approvals, cancels, amount of both.
INSERT INTO charges (id, merchant_id, kind, amount, charged_at)
        SELECT n, n % 3, CASE WHEN n % 10 = 0 THEN 'CANCEL' ELSE 'APPROVAL' END, 1000 + n,
               timestamptz '2026-03-10 02:30Z' + n * interval '1 minute' FROM generate_series(0, 99) AS n;
UPDATE charges SET currency = CASE WHEN id % 4 = 1 THEN 'USD' ELSE 'KRW' END;
-- count
SELECT merchant_id::text, count(*) FILTER (WHERE kind = 'APPROVAL'), count(*) FILTER (WHERE kind = 'CANCEL'),
        sum(amount) FROM charges
        WHERE charged_at >= timestamptz '2026-03-10 03:00Z' AND charged_at < timestamptz '2026-03-10 04:00Z' AND currency = 'KRW' GROUP BY 1
