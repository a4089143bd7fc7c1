-- Check: On no business day are more than 1 % of the source's rows set aside.
-- 검사: 원천 행의 1 %를 넘게 제외한 영업일은 없다.
-- Severity: warning
-- Next: look at the view quarantine by reason, and adapt the extraction query
SELECT
    business_day(minute)::VARCHAR AS business_date,
    sum(quarantined_count)::BIGINT AS set_aside,
    sum(source_row_count)::BIGINT AS source_rows
FROM minute_ledger
GROUP BY business_day(minute)
HAVING 100 * sum(quarantined_count) > sum(source_row_count)
ORDER BY 1
