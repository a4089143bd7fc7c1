-- Rows of the recipe `orders`, then a plain count of its hour: merchant, approvals, cancels, amount of both.
INSERT INTO orders (id, merchant_id, kind, amount, ordered_at)
        SELECT n, n % 3, CASE WHEN n % 10 = 0 THEN 'CANCEL' ELSE 'APPROVAL' END, 1000 + n,
               timestamptz '2026-03-10 02:30Z' + n * interval '1 minute' FROM generate_series(0, 99) AS n;
UPDATE orders SET deleted_at = now() WHERE id % 6 = 1;
-- count
SELECT merchant_id::text, count(*) FILTER (WHERE kind = 'APPROVAL'), count(*) FILTER (WHERE kind = 'CANCEL'),
        sum(amount) FROM orders
        WHERE ordered_at >= timestamptz '2026-03-10 03:00Z' AND ordered_at < timestamptz '2026-03-10 04:00Z' AND deleted_at IS NULL GROUP BY 1
