-- One hour by hand: merchant, approvals, cancels, approved and cancelled amount. The hour's ends are %s, in turns.
SELECT MCHT_NO, SUM(TRX_TYPE = '승인'), SUM(TRX_TYPE IN ('취소', '부분취소')),
    SUM(IF(TRX_TYPE = '승인', TRX_AMT, 0)), SUM(IF(TRX_TYPE IN ('취소', '부분취소'), TRX_AMT, 0))
FROM TRX_LIST
WHERE TRX_DT >= CONVERT_TZ(%s, '+00:00', '+09:00') AND TRX_DT < CONVERT_TZ(%s, '+00:00', '+09:00')
  AND TRX_TYPE <> '실패' AND DEL_YN = 'N'
GROUP BY 1
