-- Question: How many breaches became incidents, and what held the others back?
-- 질문: 위반 가운데 몇 건이 사건이 되었고, 나머지는 무엇이 막았는가?
-- Grain: one row per rule, kind and reason
-- Parameter: since date = yesterday : the first business day
SELECT
    rule,
    kind,
    reason,
    count(*) AS signals,
    count(DISTINCT merchant_id) AS merchants
FROM signal
WHERE minute >= start_of($since::DATE)
GROUP BY rule, kind, reason
ORDER BY signals DESC, rule, kind, reason
