-- Question: Which merchants have had several incidents?
-- 질문: 사건이 여러 번 난 가맹점은?
-- Grain: one row per merchant, the most incidents first
-- Parameter: since date = week_ago : opened on this business day or later
-- Parameter: at_least integer = 2 : incidents
SELECT
    merchant_id,
    max(merchant_name) AS merchant_name,
    count(*) AS incidents,
    count(*) FILTER (WHERE status <> 'resolved') AS unresolved,
    count(*) FILTER (WHERE label = 'false_alarm') AS false_alarms,
    max(at_risk) AS most_at_risk,
    epoch_us(max(opened_minute)) // 60000000 AS newest_minute
FROM incident
WHERE business_day(opened_minute) >= $since::DATE AND merchant_id <> '*'
GROUP BY merchant_id
HAVING count(*) >= $at_least::BIGINT
ORDER BY incidents DESC, merchant_id
