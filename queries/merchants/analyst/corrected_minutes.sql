-- Question: How many published minutes were corrected, and how many rows were set aside?
-- 질문: 게시된 1분 가운데 정정된 것과 제외된 행은 얼마나 되는가?
-- Grain: one row per business day
-- Parameter: since date = week_ago : the first business day
SELECT
    business_day(minute) AS business_date,
    count(*) AS minutes,
    count(*) FILTER (WHERE revision > 0) AS corrected_minutes,
    count(judged_at) AS judged_minutes,
    sum(source_row_count)::BIGINT AS source_rows,
    sum(quarantined_count)::BIGINT AS set_aside
FROM minute_ledger
WHERE minute >= start_of($since::DATE)
GROUP BY business_day(minute)
ORDER BY business_date
