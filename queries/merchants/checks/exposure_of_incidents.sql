-- Check: Open incidents carry the money of the book of the same minute.
-- 검사: 열린 사건의 금액은 같은 1분의 장부와 같다.
-- Severity: warning
-- Next: wait for the next minute; where it stays, restart `minuterisk run`
SELECT incident_id, merchant_id, incident.unrecovered, exposure_now.unrecovered AS in_book
FROM incident
JOIN exposure_now USING (merchant_id)
WHERE status <> 'resolved'
  AND incident.unrecovered IS NOT NULL
  AND exposure_now.minute = (SELECT max(minute) FROM minute_ledger WHERE judged_at IS NOT NULL)
  AND (incident.unrecovered <> exposure_now.unrecovered
       OR incident.paid_out_cancelable <> exposure_now.paid_out_cancelable)
ORDER BY incident_id
