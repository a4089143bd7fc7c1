-- Check: The newest proof left no minute that differs from the source and no damaged file.
-- 검사: 최신 증명에서 원천과 다른 1분이나 손상된 파일이 남지 않았다.
-- Severity: error
-- Next: read the alarms of the screen Health; `minuterisk reconcile` lists the minutes
SELECT compared_at::VARCHAR AS compared_at, difference_left_count
FROM reconciliation
WHERE kind = 'prove' AND difference_left_count > 0
  AND compared_at = (SELECT max(compared_at) FROM reconciliation WHERE kind = 'prove')
