-- Rows of the recipe `approvals`, then a plain count of its hour: merchant, approvals, cancels, amount of both.
INSERT INTO approvals SELECT n, n % 3, 1000 + n, timestamptz '2026-03-10 02:30Z' + n * interval '1 minute'
           FROM generate_series(0, 99) AS n;
           INSERT INTO cancels SELECT n, n, 1000 + n, timestamptz '2026-03-10 02:45Z' + n * interval '1 minute'
           FROM generate_series(0, 99, 7) AS n;
-- count
SELECT store_id::text, sum(a)::bigint, sum(c)::bigint, sum(m) FROM (
               SELECT store_id, 1 AS a, 0 AS c, amount AS m FROM approvals
               WHERE approved_at >= '2026-03-10 03:00Z' AND approved_at < '2026-03-10 04:00Z'
               UNION ALL
               SELECT store_id, 0, 1, c.amount FROM cancels AS c JOIN approvals USING (approval_id)
               WHERE canceled_at >= '2026-03-10 03:00Z' AND canceled_at < '2026-03-10 04:00Z'
           ) AS both_tables GROUP BY 1
