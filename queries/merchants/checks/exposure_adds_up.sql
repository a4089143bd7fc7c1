-- Check: In the newest book the next payout is no more than all pending ones, and a loss lies in its interval.
-- 검사: 최신 장부에서 다음 지급액은 전체 지급 예정액 이하이고, 예상 손실은 그 구간 안에 있다.
-- Severity: error
-- Next: restart `minuterisk run`: the book is built anew from the lake; report it where it comes again
SELECT merchant_id, paid_out_cancelable, unrecovered, pending_payout, next_payout, expected_loss
FROM exposure_now
WHERE next_payout > pending_payout OR paid_out_cancelable < 0 OR unrecovered < 0 OR pending_payout < 0
   OR expected_loss NOT BETWEEN expected_loss_low AND expected_loss_high
ORDER BY merchant_id
