-- Check: The files of each business day hold the sums that the ledger promises.
-- 검사: 영업일마다 파일의 합계가 원장의 합계와 같다.
-- Severity: error
-- Next: run `minuterisk reconcile` over that day; damaged files are built again
WITH ledger AS (
    SELECT
        business_day(minute) AS business_date,
        sum(approval_count) AS approval_count,
        sum(cancel_count) AS cancel_count,
        sum(approval_amount) AS approval_amount,
        sum(cancel_amount) AS cancel_amount
    FROM minute_ledger
    GROUP BY ALL
),
files AS (
    SELECT
        business_date,
        sum(approval_count) AS approval_count,
        sum(cancel_count) AS cancel_count,
        sum(approval_amount) AS approval_amount,
        sum(cancel_amount) AS cancel_amount
    FROM merchant_day
    GROUP BY ALL
)
SELECT
    business_date::VARCHAR AS business_date,
    ledger.approval_count AS promised_approvals,
    coalesce(files.approval_count, 0) AS approvals,
    ledger.cancel_amount AS promised_cancel_amount,
    coalesce(files.cancel_amount, 0) AS cancel_amount
FROM ledger
LEFT JOIN files USING (business_date)
-- A day of which the files have no row has nothing in them: that is compared too.
WHERE (ledger.approval_count, ledger.cancel_count, ledger.approval_amount, ledger.cancel_amount)
    IS DISTINCT FROM (
        coalesce(files.approval_count, 0),
        coalesce(files.cancel_count, 0),
        coalesce(files.approval_amount, 0),
        coalesce(files.cancel_amount, 0)
    )
-- The newest day grows while it is looked at, and the first one may have begun before the ledger's horizon.
  AND business_date < (SELECT max(business_date) FROM files)
  AND business_date > (SELECT min(business_date) FROM ledger)
ORDER BY business_date
