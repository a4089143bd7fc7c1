-- Question: How long after the minute's end did people get the first message of an incident?
-- 질문: 사건의 첫 메시지는 1분이 끝나고 몇 초 뒤에 도착했는가?
-- Grain: one row per tier and destination
-- Parameter: since date = week_ago : incidents opened on this business day or later
WITH first AS (
    SELECT
        tier,
        destination,
        incident_id,
        min(epoch_us(sent_at)) - min(epoch_us(minute)) - 60000000 AS delay_us
    FROM message
    JOIN incident USING (incident_id)
    WHERE message.event = 'opened' AND sent_at IS NOT NULL AND business_day(opened_minute) >= $since::DATE
    GROUP BY ALL
)
SELECT
    tier,
    destination,
    count(*) AS incidents,
    quantile_disc(delay_us, 0.5) / 1000000 AS delay_s_median,
    quantile_disc(delay_us, 0.95) / 1000000 AS delay_s_p95,
    max(delay_us) / 1000000 AS delay_s_max
FROM first
GROUP BY tier, destination
ORDER BY tier, destination
