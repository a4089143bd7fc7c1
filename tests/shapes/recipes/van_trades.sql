-- Rows of the recipe `van_trades`, then a plain count of its hour: merchant, approvals, cancels, amount of both.
INSERT INTO van_trades
           SELECT n, 'M' || n % 3, CASE WHEN n % 10 = 0 THEN 'C' ELSE 'A' END, 1000 + n, to_char(t, 'YYYYMMDD'),
                  to_char(t, 'HH24MISS')
           FROM generate_series(0, 99) AS n, LATERAL (SELECT timestamp '2026-03-10 11:30' + n * interval '1 minute' AS t) AS x;
-- count
SELECT trim(mid), count(*) FILTER (WHERE gubun = 'A'), count(*) FILTER (WHERE gubun = 'C'), sum(amt)
           FROM van_trades WHERE trade_day = '20260310' AND trade_time >= '120000' AND trade_time < '130000' GROUP BY 1
