-- Rows of the recipe `payments`, then a plain count of its hour: merchant, approvals, cancels, amount of both.
INSERT INTO payments
           SELECT n, 'S' || n % 3, CASE WHEN n % 10 = 0 THEN 'CANCELED' WHEN n % 10 = 1 THEN 'PARTIAL_CANCELED'
                                        WHEN n % 10 = 2 THEN 'FAILED' WHEN n % 10 = 3 THEN 'READY' ELSE 'PAID' END,
                  1000 + n, CASE WHEN n % 10 = 0 THEN 1000 + n WHEN n % 10 = 1 THEN 5 END,
                  CASE WHEN n % 10 <> 3 THEN t + n * interval '1 minute' END,
                  CASE WHEN n % 10 = 0 THEN t + n * interval '1 minute' WHEN n % 10 = 1 THEN t + n * interval '61 s' END, t
           FROM generate_series(0, 99) AS n, (VALUES (timestamptz '2026-03-10 02:30Z')) AS v (t);
-- count
SELECT shop_id,
                  count(*) FILTER (WHERE paid_at >= '2026-03-10 03:00Z' AND paid_at < '2026-03-10 04:00Z'),
                  count(*) FILTER (WHERE canceled_at >= '2026-03-10 03:00Z' AND canceled_at < '2026-03-10 04:00Z'),
                  sum(CASE WHEN paid_at >= '2026-03-10 03:00Z' AND paid_at < '2026-03-10 04:00Z' THEN amount ELSE 0 END
                    + CASE WHEN canceled_at >= '2026-03-10 03:00Z' AND canceled_at < '2026-03-10 04:00Z'
                           THEN cancel_amount ELSE 0 END)
           FROM payments WHERE status <> 'FAILED' GROUP BY 1
