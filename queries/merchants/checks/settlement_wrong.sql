-- Check: Every payout can be entered in the book of exposure.
-- 검사: 모든 정산 지급이 노출 장부에 들어간다.
-- Severity: warning
-- Next: put the rows of the query `settlements` right at their source; until then the book does without them
SELECT
    wrong,
    count(*) AS rows,
    min(settled_at)::VARCHAR AS first_settled_at,
    min(merchant_id) AS merchant_id
FROM settlement
WHERE wrong IS NOT NULL
GROUP BY wrong
ORDER BY wrong
