-- Rows of the recipe `trx`, then a plain count of its hour: merchant, approvals, cancels, amount of both.
INSERT INTO trx SELECT seq, CONCAT('M', seq % 3), ELT(1 + seq % 4, '승인', '취소', '부분취소', '실패'), 1000 + seq,
               TIMESTAMP '2026-03-10 11:30:00' + INTERVAL seq MINUTE FROM seq_0_to_99;
-- count
SELECT mcht_no, SUM(trx_type = '승인'), SUM(trx_type IN ('취소', '부분취소')), SUM(trx_amt) FROM trx
           WHERE trx_dt >= '2026-03-10 12:00' AND trx_dt < '2026-03-10 13:00' AND trx_type <> '실패' GROUP BY 1
