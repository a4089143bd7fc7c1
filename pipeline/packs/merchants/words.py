"""What people read about merchants, Korean and English."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Rules and parts of the money by their names; then sentences. Both languages say the same.
WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "ko": {
        "cancel_surge": "취소 급증",
        "volume_drop": "거래액 급감",
        "platform_outage": "전체 승인 중단",
        "platform_cancels": "전체 취소 급증",
        "everybody": "전체 가맹점",
        "top": "상위 1% 가맹점",
        "tail": "일반 가맹점",
        "surge": "최근 1시간 취소 {cancels_hour}건 / 승인 {approvals_hour}건(취소율 {rate_hour}), "
        "지난 7일 취소 {cancels_week}건 / 승인 {approvals_week}건(취소율 {rate_week})의 {ratio}배입니다.",
        "surge_no_ratio": "최근 1시간 취소 {cancels_hour}건 / 승인 {approvals_hour}건(취소율 {rate_hour}), "
        "지난 7일 취소 {cancels_week}건 / 승인 {approvals_week}건(취소율 {rate_week}).",
        "drop": "오늘 이 시각까지 승인액 {today}, 최근 {days}일 같은 시각까지 "
        "평균 {paced}보다 {drop} 적습니다. 하루 평균은 {daily}입니다.",
        "drop_no_ratio": "오늘 이 시각까지 승인액 {today}, 최근 {days}일 같은 시각까지 "
        "평균 {paced}. 하루 평균은 {daily}입니다.",
        "surge_window": "최근 {window} 취소 {cancels}건 / 승인 {approvals}건, 평소 취소 {usual}건.",
        "drop_window": "최근 {window} 승인 {approvals}건, 평소 같은 시각 {usual}건.",
        "more_cancels": "취소 자체가 늘었습니다.",
        "fewer_approvals": "승인이 줄어 취소율이 올랐습니다.",
        "more_sales_before": "최근 하루 판매가 많아 취소도 그만큼 늘었습니다.",
        "cohorts": "최근 1시간 취소는 원 승인 기준으로 평소의 {ratio}배입니다: "
        "24시간 이내 승인분 취소 {cancels_fresh}건(평소 {expected_fresh}건), "
        "그 이전 승인분 {cancels_older}건(평소 {expected_older}건).",
        "cohorts_no_ratio": "최근 1시간 취소의 원 승인: 24시간 이내 승인분 취소 {cancels_fresh}건, "
        "그 이전 승인분 {cancels_older}건(평소 0건).",
        "prior_category": "이 가맹점의 이력이 적어 업종 {category}의 취소율({rate})을 기준으로 판정했습니다.",
        "prior_all": "이 가맹점의 이력이 적어 전체 가맹점의 취소율({rate})을 기준으로 판정했습니다.",
        "outage": "최근 {window}분 승인 {now}건, 평소 같은 시각 {usual}건보다 {drop} 적습니다.",
        "silence": "최근 {window}분 동안 거래가 한 건도 없습니다. 평소 같은 시각에는 승인이 {usual}건입니다.",
        "cancels": "최근 {window}분 취소 {now}건, 평소 같은 시각 {usual}건의 {ratio}배입니다.",
        "held": "가맹점별 사건은 이 사건이 끝날 때까지 보류합니다.",
        "released": "보류하던 가맹점별 사건은 계속되고 있으면 이제 열립니다.",
        "held_count": "가맹점별 사건은 이 사건이 끝날 때까지 보류합니다 (현재 {count}곳).",
        "unknown": "계산 불가",
        "corrected": "늦게 들어온 거래를 반영해 수치를 바로잡았습니다 (발생 후 {duration}).",
        "entity": "가맹점",
        "picture_rate": "취소율 (최근 1시간)",
        "picture_cancel_count": "취소 건수 (최근 1시간)",
        "picture_approval_amount": "승인 금액 (최근 1시간)",
        "picture_approval_count": "승인 건수 (최근 1시간)",
        "picture_now": "지난 24시간",
        "picture_usual": "평소 (지난 7일 같은 시각 평균)",
        "picture_week": "평소 (지난 7일)",
        "picture_threshold": "기준: 평소의 {factor}배",
        "paid_out_cancelable": "지급 후 취소 가능",
        "unrecovered": "취소 후 미회수",
        "pending_payout": "지급 예정",
        "next_payout": "다음 지급액",
        "next_payout_date": "다음 지급일",
        "expected_loss": "예상 손실",
        "expected_loss_low": "예상 손실 하한 (90%)",
        "expected_loss_high": "예상 손실 상한 (90%)",
    },
    "en": {
        "cancel_surge": "Cancel surge",
        "volume_drop": "Volume drop",
        "platform_outage": "Platform outage",
        "platform_cancels": "Platform cancel surge",
        "everybody": "all merchants",
        "top": "top 1 % merchant",
        "tail": "ordinary merchant",
        "surge": "{cancels_hour} cancels to {approvals_hour} approvals in the last hour (rate {rate_hour}), "
        "{ratio} times the 7-day rate of {cancels_week} to {approvals_week} ({rate_week}).",
        "surge_no_ratio": "{cancels_hour} cancels to {approvals_hour} approvals in the last hour "
        "(rate {rate_hour}); {cancels_week} to {approvals_week} in the 7 days before (rate {rate_week}).",
        "drop": "{today} approved so far today, {drop} less than the average of {paced} by this time "
        "over the {days} days before. A whole day averages {daily}.",
        "drop_no_ratio": "{today} approved so far today; the average by this time "
        "over the {days} days before is {paced}. A whole day averages {daily}.",
        "surge_window": "{cancels} cancels to {approvals} approvals in the last {window}; {usual} are usual.",
        "drop_window": "{approvals} approvals in the last {window}; {usual} are usual at this time.",
        "more_cancels": "The cancels themselves rose.",
        "fewer_approvals": "The rate rose because approvals fell.",
        "more_sales_before": "The cancels rose because the last day had many sales.",
        "cohorts": "By their approvals the hour's cancels are {ratio} times the usual: "
        "{cancels_fresh} of the last 24 hours' sales ({expected_fresh} usual), "
        "{cancels_older} of earlier ones ({expected_older} usual).",
        "cohorts_no_ratio": "By their approvals, in the last hour: {cancels_fresh} cancels of the last "
        "24 hours' sales, {cancels_older} of earlier ones (0 usual).",
        "prior_category": "The merchant has little history: measured against the rate of its category "
        "{category} ({rate}).",
        "prior_all": "The merchant has little history: measured against the rate of all merchants ({rate}).",
        "outage": "{now} approvals in the last {window} minutes, {drop} less than the usual {usual}.",
        "silence": "Not one transaction in the last {window} minutes; {usual} approvals are usual.",
        "cancels": "{now} cancels in the last {window} minutes, {ratio} times the usual {usual}.",
        "held": "Merchants' own incidents are held back until this one ends.",
        "released": "Merchants' own incidents that were held back open now if they still last.",
        "held_count": "Merchants' own incidents are held back until this one ends ({count} now).",
        "unknown": "not defined",
        "corrected": "Late transactions were counted and the numbers corrected ({duration} after it opened).",
        "entity": "Merchant",
        "picture_rate": "Cancel rate (last hour)",
        "picture_cancel_count": "Cancels (last hour)",
        "picture_approval_amount": "Approved amount (last hour)",
        "picture_approval_count": "Approvals (last hour)",
        "picture_now": "last 24 hours",
        "picture_usual": "usual (average of this time on the 7 days before)",
        "picture_week": "usual (the 7 days before)",
        "picture_threshold": "threshold: {factor} times the usual",
        "paid_out_cancelable": "Paid out, still cancelable",
        "unrecovered": "Cancelled, not recovered",
        "pending_payout": "Still to be paid out",
        "next_payout": "Next payout",
        "next_payout_date": "Next payout on",
        "expected_loss": "Expected loss",
        "expected_loss_low": "Expected loss, low (90 %)",
        "expected_loss_high": "Expected loss, high (90 %)",
    },
}
