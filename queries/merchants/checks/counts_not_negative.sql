-- Check: No merchant-minute has a negative count or amount.
-- 검사: 건수나 금액이 음수인 가맹점-분은 없다.
-- Severity: error
-- Next: run `minuterisk reconcile` over that minute; it is read again from the source
SELECT minute::VARCHAR AS minute, merchant_id, approval_count, cancel_count, approval_amount, cancel_amount
FROM merchant_minute
WHERE approval_count < 0 OR cancel_count < 0 OR approval_amount < 0 OR cancel_amount < 0
   OR cancel_fresh_count + cancel_older_count > cancel_count
