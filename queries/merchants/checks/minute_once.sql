-- Check: The newest business day has each merchant once a minute.
-- 검사: 최신 영업일에 같은 가맹점은 1분에 한 번만 있다.
-- Severity: error
-- Next: restart `minuterisk run`; the files of that day are built again
SELECT minute::VARCHAR AS minute, merchant_id, count(*) AS times
FROM merchant_minute
WHERE minute >= start_of((SELECT max(business_date) FROM merchant_day))
GROUP BY minute, merchant_id
HAVING count(*) > 1
