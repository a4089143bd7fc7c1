-- Question: Which merchants that usually sell have been silent for hours?
-- 질문: 평소 팔던 가맹점 가운데 몇 시간째 조용한 곳은?
-- Grain: one row per merchant, the busiest usual week first
-- Parameter: until time = now : the silence is looked at up to this minute
-- Parameter: hours integer = 3 : hours without any transaction
-- Parameter: minimum integer = 500 : approvals of its week
WITH lately AS (
    SELECT DISTINCT merchant_id
    FROM merchant_minute
    WHERE minute > to_timestamp(epoch_us($until::TIMESTAMPTZ) // 1000000 - $hours::BIGINT * 3600)
      AND minute <= $until::TIMESTAMPTZ
)
SELECT merchant_id, merchant_name, tier, week_approval_count, recent_approval_amount
FROM baseline_now
LEFT JOIN merchant USING (merchant_id)
WHERE week_approval_count >= $minimum::BIGINT AND merchant_id NOT IN (SELECT merchant_id FROM lately)
ORDER BY week_approval_count DESC, merchant_id
