-- Question: What would a hold of all payouts have kept, had it begun when each incident opened?
-- 질문: 사건이 열린 순간 지급을 멈췄다면 얼마를 지켰을까?
-- Grain: one row per incident, the most kept first
-- Parameter: since date = week_ago : incidents opened on this business day or later
-- Parameter: days integer = 14 : payouts of so many days after the opening count
-- What a hold keeps is what would have been paid; a negative payout pays nothing. Of a merchant without any
-- payout in `settlement` it is not known.
SELECT
    incident_id,
    incident.merchant_id,
    max(merchant_name) AS merchant_name,
    rule,
    count(settled_at) AS payouts,
    CASE WHEN incident.merchant_id IN (SELECT merchant_id FROM settlement WHERE wrong IS NULL)
        THEN coalesce(sum(amount) FILTER (amount > 0), 0)::BIGINT
    END AS kept_amount
FROM incident
LEFT JOIN settlement
    ON settlement.merchant_id = incident.merchant_id
    AND wrong IS NULL
    AND epoch_us(settled_at) >= epoch_us(opened_minute)
    AND epoch_us(settled_at) < epoch_us(opened_minute) + $days::BIGINT * 86400000000
WHERE business_day(opened_minute) >= $since::DATE AND incident.merchant_id <> '*'
GROUP BY incident_id, incident.merchant_id, rule
ORDER BY kept_amount DESC NULLS LAST, incident_id
