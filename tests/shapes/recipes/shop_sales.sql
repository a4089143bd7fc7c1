-- Rows of the recipe `shop_sales`, then a plain count of its hour: merchant, approvals, cancels, amount of both.
INSERT INTO shop_sales SELECT n, 'S' || n % 3, CASE WHEN n % 4 = 0 THEN 'CANCEL' ELSE 'APPROVAL' END, 1000 + n,
                              TIMESTAMPTZ '2026-03-10 11:30+09' + n * interval '1 minute' FROM generate_series(0, 99) AS n;
INSERT INTO payout_lines VALUES ('S0', '2026-03-07', 5000, 0, '2026-03-10 11:59:59'),
                                ('S0', '2026-03-08', 700.00, 900, '2026-03-10 12:00:00'),
                                ('S1', '2026-03-08', 0, 0, '2026-03-10 12:59:59.5'),
                                ('S2', '2026-03-09', 88, 8, '2026-03-10 13:00:00'), ('S2', '2026-03-10', 1, 0, NULL);
-- count
SELECT shop, count(*) FILTER (WHERE kind = 'APPROVAL'), count(*) FILTER (WHERE kind = 'CANCEL'), sum(won)
           FROM shop_sales WHERE sold_at >= '2026-03-10 12:00+09' AND sold_at < '2026-03-10 13:00+09' GROUP BY 1
