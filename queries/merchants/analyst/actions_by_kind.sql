-- Question: What became of the proposed actions, and how much money did they concern?
-- 질문: 제안된 조치는 어떻게 되었고, 금액은 얼마였는가?
-- Grain: one row per kind of action and state
-- Parameter: since date = week_ago : proposed on this business day or later
SELECT
    kind,
    status,
    count(*) AS actions,
    count(*) FILTER (WHERE by_person) AS proposed_by_people,
    count(*) FILTER (WHERE amount IS NULL) AS unknown_amounts,
    sum(amount)::BIGINT AS amount
FROM action
WHERE business_day(proposed_at) >= $since::DATE
GROUP BY kind, status
ORDER BY kind, status
