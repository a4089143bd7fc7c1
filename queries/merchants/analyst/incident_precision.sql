-- Question: How many incidents of each rule did people label right and wrong?
-- 질문: 규칙마다 사람이 맞다고, 틀리다고 판정한 사건은 몇 건인가?
-- Grain: one row per rule and tier
-- Parameter: since date = week_ago : opened on this business day or later
SELECT
    rule,
    tier,
    count(*) AS incidents,
    count(*) FILTER (WHERE label = 'true_alarm') AS true_alarms,
    count(*) FILTER (WHERE label = 'false_alarm') AS false_alarms,
    count(*) FILTER (WHERE label = 'true_alarm') / nullif(count(label), 0) AS precision
FROM incident
WHERE business_day(opened_minute) >= $since::DATE
GROUP BY rule, tier
ORDER BY rule, tier
