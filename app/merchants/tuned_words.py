"""What the merchants' rules look for and what their tuned numbers mean; English reasons are in rules.toml."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Whoever reads English reads the file's own comments instead.
_REASONS: Final[Mapping[str, str]] = {
    "why.cancel_surge.factor": "기본 기준: 1시간 취소율이 7일 평균의 2배 이상. 정수로 정확히 비교합니다.",
    "why.cancel_surge.minimum_cancels_hour": "1시간 취소가 이보다 적으면 우연일 수 있습니다.",
    "why.cancel_surge.minimum_approvals_week": (
        "승인이 이보다 적은 한 주로는 그 가맹점의 취소율을 알 수 없습니다."
    ),
    "why.volume_drop.minimum_daily_amount": "기본 기준: 최근 하루 거래액 10억원 이상인 가맹점.",
    "why.volume_drop.divisor": "오늘 이 시각까지가 비교일 같은 시각의 1/값 이하일 때. 2는 50% 급감입니다.",
    "why.volume_drop.baseline_days": "한 주에는 모든 요일이 한 번씩 있습니다.",
    "why.volume_drop.mode": "paced: 같은 시각까지 비교. full_day: 하루가 끝날 때만 비교.",
    "why.volume_drop.minimum_expected_amount": (
        "이만큼 예상되기 전에는 자정 뒤의 조용한 시간이 급감처럼 보입니다."
    ),
    "why.volume_drop.public_holidays": (
        "평일은 평일과, 토요일은 토요일과, 일요일·공휴일은 서로 비교합니다. KR은 대체공휴일까지 압니다."
    ),
    "why.volume_drop.lowest_day_percent": "비슷한 날 가운데 가장 낮은 날의 이 비율 이하이기도 해야 합니다.",
    "why.volume_drop.collapse_percent": "한 시간이 비슷한 날 같은 시간의 이 비율 이하면 급락으로 봅니다.",
    "why.budget.false_incidents_per_day": "가맹점 10만 곳에서 하루에 감수할 취소 급증 오경보 수.",
    "why.budget.traffic_percent": (
        "예산의 이 비율은 거래량대로, 나머지는 모두에게 똑같이 나눕니다. 큰 가맹점은 늦으면 손실이 큽니다."
    ),
    "why.budget.looks": "겹치는 구간을 매분 보는 것을 몇 번의 독립된 판단으로 칠지.",
    "why.budget.drift_percent": (
        "가맹점의 실제 취소 성향이 한 주를 중심으로 흔들리는 폭(표준편차). 사건이 아닙니다."
    ),
    "why.budget.short_drift_percent": "1시간 이하 구간에서, 최근 3시간을 중심으로 흔들리는 폭.",
    "why.budget.portfolio_weight": (
        "이력이 없는 가맹점은 업종(모르면 전체)의 취소율에서 시작하며, 이만큼의 거래로 칩니다."
    ),
    "why.budget.category_weight": "업종의 취소율을 전체 쪽으로 당기는 힘. 이만큼의 거래로 칩니다.",
    "why.budget.quarantine_evidence": (
        "평소와 이만큼 다른 6시간은 기준에서 뺍니다. 어제의 급증이 오늘을 가리지 않게 합니다."
    ),
    "why.budget.false_drops_per_1000_days": "큰 가맹점 하나의 1,000일에 감수할 급감 오경보 수.",
    "why.budget.drop_drift_percent": "하루 거래액이 비슷한 날을 중심으로 흔들리는 폭.",
    "why.budget.hour_drift_percent": "한 시간 거래액이 비슷한 날을 중심으로 흔들리는 폭.",
    "why.budget.minimum_expected_hour": (
        "평소 승인이 이보다 적은 시간은 급락이나 끊김을 말해 주지 않습니다."
    ),
    "why.incident.resolve_after_minutes": (
        "위반 없이 이만큼 지나면 해소됩니다. 판단하는 1시간이 통째로 깨끗해야 합니다."
    ),
    "why.incident.reopen_within_minutes": (
        "해소 뒤 이 안에 다시 열리면 같은 사건으로 돌아옵니다. 오후 내내 들쭉날쭉한 가맹점은 한 건입니다."
    ),
    "why.incident.repeat_after_minutes": (
        "아무도 확인하지 않은 사건을 다시 알리는 간격. 한 근무에 두 번꼴입니다."
    ),
    "why.pending.cancel_surge": "우연은 이미 걸러졌고, 큰 급증은 5분 안에 보여야 합니다.",
    "why.pending.cancel_surge_fast": "우연은 이미 걸러졌고, 큰 급증은 5분 안에 보여야 합니다.",
    "why.pending.cancel_surge_slow": "우연은 이미 걸러졌고, 큰 급증은 5분 안에 보여야 합니다.",
    "why.pending.volume_drop": "늦게 보이는 거래가 1분 동안 급감처럼 보일 수 있습니다.",
    "why.pending.volume_drop_fast": "늦게 보이는 거래가 1분 동안 급감처럼 보일 수 있습니다.",
    "why.pending.volume_drop_silence": "늦게 보이는 거래가 1분 동안 끊김처럼 보일 수 있습니다.",
    "why.pending.platform_outage": "원천이 잠시 멈춘 것과 장애를 구별하는 데 2분이 더 필요합니다.",
    "why.pending.platform_cancels": (
        "집계된 취소는 이미 일어난 일입니다. 가맹점별 사건보다 늦으면 안 됩니다."
    ),
    "why.platform.outage_percent": (
        "최근 5분의 승인이 비슷한 날 같은 5분의 이 비율 이하일 때 한 건의 전체 사건이 됩니다."
    ),
    "why.platform.minimum_approvals": "평소 5분 승인이 이보다 적으면 절반이 우연히 빠질 수 있습니다.",
    "why.platform.silence_minimum": "지금까지 평소 이만큼의 승인이 있어야 하는데 아무것도 없을 때.",
    "why.platform.cancel_factor": "전체 취소가 비슷한 날 가운데 가장 높은 날의 몇 배 이상일 때.",
    "why.platform.minimum_cancels": "평소 5분 취소가 이보다 적으면 우연히 두 배가 됩니다.",
    "why.platform.left_out": (
        "가장 많이 벗어난 가맹점 몇 곳을 빼고도 성립해야 합니다. 그들의 장애는 그들의 것입니다."
    ),
    "why.severity.surge_high": "취소율이 한 주의 몇 배 이상이면 높음.",
    "why.severity.surge_critical": "취소율이 한 주의 몇 배 이상이면 심각.",
    "why.severity.drop_high_percent": "예상 금액 가운데 빠진 비율이 이 이상이면 높음.",
    "why.severity.drop_critical_percent": "예상 금액 가운데 빠진 비율이 이 이상이면 심각.",
    "why.severity.critical_krw_at_risk": "예상 손실을 모를 때: 위험 금액이 이 이상이면 어느 사건이든 심각.",
    "why.severity.critical_expected_loss": (
        "예상 손실이 이 이상이면 어느 사건이든 심각. 예상 손실을 모를 때만 위험 금액으로 정합니다."
    ),
    "why.exposure.cancelable_days": (
        "결제 뒤 이 기간 동안 취소될 수 있습니다. 더 오래된 지급은 위험하지 않습니다."
    ),
    "why.exposure.curve_weight": (
        "가맹점의 경과일별 취소율은 업종의 것에서, "
        "업종의 것은 전체의 것에서 출발합니다. 그 무게는 취소 이만큼입니다."
    ),
    "why.exposure.cannot_pay_healthy": (
        "이상 없는 가맹점 1만 곳 가운데 돌려주지 못하는 곳. 충분한 사건에 판정이 붙을 때까지의 판단입니다."
    ),
    "why.exposure.cannot_pay_surge": (
        "취소가 급증한 가맹점 1만 곳 가운데 돌려주지 못하는 곳. 대부분은 행사나 일괄 취소입니다."
    ),
    "why.exposure.cannot_pay_silent": (
        "거래가 사라진 가맹점 1만 곳 가운데 돌려주지 못하는 곳. 장애라면 몇 시간 안에 돌아옵니다."
    ),
    "why.exposure.cannot_pay_both": (
        "취소는 급증하고 거래는 사라진 가맹점 1만 곳 가운데 돌려주지 못하는 곳. "
        "큰 사고들이 이 모습이었습니다."
    ),
    "why.exposure.cannot_pay_spread": "위 판단의 90% 구간: 승산이 이 배수만큼 작거나 클 수 있습니다.",
    "why.exposure.labels_needed": (
        "한 상태에서 판정된 사건이 이만큼이면 위의 수 대신 그 사건들의 비율을 씁니다."
    ),
    "why.exposure.reserve_up_to_percent": (
        "필요한 적립이 다음 지급의 이 비율을 넘으면 적립 대신 다음 지급을 통째로 보류합니다."
    ),
}

_NAMES: Final[Mapping[str, tuple[str, str]]] = {
    "about.cancel_surge": (
        "최근 취소율이 그 가맹점의 평소보다 크게 높을 때.",
        "A merchant's recent cancel rate is far above its usual one.",
    ),
    "about.volume_drop": (
        "거래액이 큰 가맹점의 승인액이 비슷한 날 같은 시각보다 크게 적을 때, 또는 끊겼을 때.",
        "A large merchant's approved amount is far below like days at the same time, or has stopped.",
    ),
    "about.platform_outage": (
        "전체 가맹점의 승인이 갑자기 절반 이하로 줄거나 끊길 때. 가맹점별 사건은 그동안 보류합니다.",
        "Approvals of all merchants together fall by half or stop; merchants' own incidents wait meanwhile.",
    ),
    "about.platform_cancels": (
        "전체 가맹점의 취소가 비슷한 날 최고치의 몇 배로 늘 때.",
        "Cancels of all merchants together are a multiple of the highest like day.",
    ),
    "about.budget": (
        "오경보 예산: 우연과 평소의 흔들림을 얼마나 봐줄지",
        "False-alarm budget: what chance and ordinary wander explain",
    ),
    "about.incident": ("사건의 수명", "Life of an incident"),
    "about.platform": ("전체 가맹점을 함께 보는 규칙", "All merchants together"),
    "about.severity": ("심각도의 경계", "Borders of severity"),
    "about.exposure": ("위험한 돈의 값", "How money at risk is priced"),
    "tuned.cancel_surge.factor": ("취소율 배수", "Times the weekly cancel rate"),
    "tuned.cancel_surge.minimum_cancels_hour": ("1시간 최소 취소", "Least cancels in the hour"),
    "tuned.cancel_surge.minimum_approvals_week": ("7일 최소 승인", "Least approvals in the week"),
    "tuned.volume_drop.minimum_daily_amount": ("최소 하루 거래액", "Least daily amount"),
    "tuned.volume_drop.divisor": ("급감 나눗수", "Divisor of the drop"),
    "tuned.volume_drop.baseline_days": ("비교하는 날", "Baseline days"),
    "tuned.volume_drop.mode": ("비교 방식", "How days are compared"),
    "tuned.volume_drop.minimum_expected_amount": ("최소 예상 금액", "Least expected amount"),
    "tuned.volume_drop.public_holidays": ("공휴일", "Public holidays"),
    "tuned.volume_drop.lowest_day_percent": ("가장 낮은 날 대비", "Share of the lowest like day"),
    "tuned.volume_drop.collapse_percent": ("급락의 경계", "Share of the like hour"),
    "tuned.budget.false_incidents_per_day": ("하루 오경보", "False incidents a day"),
    "tuned.budget.traffic_percent": ("거래량에 따른 몫", "Shared out by traffic"),
    "tuned.budget.looks": ("독립된 판단 수", "Independent looks"),
    "tuned.budget.drift_percent": ("취소 성향의 흔들림", "Wander of cancel odds"),
    "tuned.budget.short_drift_percent": ("짧은 구간의 흔들림", "Wander in short windows"),
    "tuned.budget.portfolio_weight": ("첫 취소율의 무게", "Weight of the first rate"),
    "tuned.budget.category_weight": ("업종 취소율의 무게", "Weight of all on a category"),
    "tuned.budget.quarantine_evidence": ("기준에서 빼는 증거", "Evidence that leaves the baseline"),
    "tuned.budget.false_drops_per_1000_days": ("급감 오경보", "False drops"),
    "tuned.budget.drop_drift_percent": ("하루 거래액의 흔들림", "Wander of a day's volume"),
    "tuned.budget.hour_drift_percent": ("한 시간 거래액의 흔들림", "Wander of an hour's volume"),
    "tuned.budget.minimum_expected_hour": ("한 시간 최소 승인", "Least usual approvals in an hour"),
    "tuned.incident.resolve_after_minutes": ("해소까지", "Quiet before it resolves"),
    "tuned.incident.reopen_within_minutes": ("같은 사건으로 되돌아옴", "Comes back within"),
    "tuned.incident.repeat_after_minutes": ("다시 알림", "Told again after"),
    "tuned.pending.cancel_surge": ("지속되어야 하는 시간", "Has to last"),
    "tuned.pending.cancel_surge_fast": ("지속 (짧은 구간)", "Has to last, short windows"),
    "tuned.pending.cancel_surge_slow": ("지속 (긴 구간)", "Has to last, long windows"),
    "tuned.pending.volume_drop": ("지속되어야 하는 시간", "Has to last"),
    "tuned.pending.volume_drop_fast": ("지속 (급락)", "Has to last, collapse"),
    "tuned.pending.volume_drop_silence": ("지속 (거래 끊김)", "Has to last, silence"),
    "tuned.pending.platform_outage": ("지속되어야 하는 시간", "Has to last"),
    "tuned.pending.platform_cancels": ("지속되어야 하는 시간", "Has to last"),
    "tuned.platform.outage_percent": ("중단의 경계", "Share that is an outage"),
    "tuned.platform.minimum_approvals": ("5분 최소 승인", "Least approvals in 5 minutes"),
    "tuned.platform.silence_minimum": ("끊김의 최소 승인", "Approvals that are missed"),
    "tuned.platform.cancel_factor": ("취소 배수", "Times the highest like day"),
    "tuned.platform.minimum_cancels": ("5분 최소 취소", "Least cancels in 5 minutes"),
    "tuned.platform.left_out": ("빼고 보는 가맹점", "Merchants left out"),
    "tuned.severity.surge_high": ("취소율 높음", "Cancel rate: high"),
    "tuned.severity.surge_critical": ("취소율 심각", "Cancel rate: critical"),
    "tuned.severity.drop_high_percent": ("급감 높음", "Drop: high"),
    "tuned.severity.drop_critical_percent": ("급감 심각", "Drop: critical"),
    "tuned.severity.critical_krw_at_risk": ("위험 금액 심각", "Money at risk: critical"),
    "tuned.severity.critical_expected_loss": ("예상 손실 심각", "Expected loss: critical"),
    "tuned.exposure.cancelable_days": ("취소할 수 있는 기간", "Cancelable for"),
    "tuned.exposure.curve_weight": ("취소 곡선의 무게", "Weight of the shared curve"),
    "tuned.exposure.cannot_pay_healthy": ("지급 불능 (이상 없음)", "Cannot pay: healthy"),
    "tuned.exposure.cannot_pay_surge": ("지급 불능 (취소 급증)", "Cannot pay: cancel surge"),
    "tuned.exposure.cannot_pay_silent": ("지급 불능 (거래 끊김)", "Cannot pay: sales vanished"),
    "tuned.exposure.cannot_pay_both": ("지급 불능 (둘 다)", "Cannot pay: both"),
    "tuned.exposure.cannot_pay_spread": ("승산의 폭", "Spread of the odds"),
    "tuned.exposure.labels_needed": ("필요한 판정 수", "Labelled incidents needed"),
    "tuned.exposure.reserve_up_to_percent": ("가장 큰 적립", "Largest reserve"),
    "unit.factor": ("배", "×"),
    "unit.cancel_factor": ("배", "×"),
    "unit.surge_high": ("배", "×"),
    "unit.surge_critical": ("배", "×"),
    "unit.divisor": ("분의 1", "th"),
    "unit.minimum_cancels_hour": ("건", "cancels"),
    "unit.minimum_approvals_week": ("건", "approvals"),
    "unit.minimum_expected_hour": ("건", "approvals"),
    "unit.minimum_approvals": ("건", "approvals"),
    "unit.silence_minimum": ("건", "approvals"),
    "unit.minimum_cancels": ("건", "cancels"),
    "unit.minimum_daily_amount": ("원", "KRW"),
    "unit.minimum_expected_amount": ("원", "KRW"),
    "unit.critical_krw_at_risk": ("원", "KRW"),
    "unit.critical_expected_loss": ("원", "KRW"),
    "unit.false_incidents_per_day": ("건", "a day per 100,000"),
    "unit.false_drops_per_1000_days": ("건", "in 1,000 days"),
    "unit.portfolio_weight": ("건", "transactions"),
    "unit.category_weight": ("건", "transactions"),
    "unit.quarantine_evidence": ("/1000", "/1000"),
    "unit.curve_weight": ("건", "cancels"),
    "unit.cannot_pay_healthy": ("/10,000", "/10,000"),
    "unit.cannot_pay_surge": ("/10,000", "/10,000"),
    "unit.cannot_pay_silent": ("/10,000", "/10,000"),
    "unit.cannot_pay_both": ("/10,000", "/10,000"),
    "unit.cannot_pay_spread": ("배", "×"),
    "unit.labels_needed": ("건", "incidents"),
    "unit.left_out": ("곳", "merchants"),
    "unit.looks": ("번", "looks"),
    "own.merchant": ("가맹점", "merchant"),
    "own.category": ("업종", "category"),
    "measure.money_found": ("다시 찾은 위험 금액", "KRW at risk found again"),
    "measure.money_missed": ("놓친 위험 금액", "KRW at risk missed"),
}

KOREAN: Final[Mapping[str, str]] = {**{key: ko for key, (ko, _) in _NAMES.items()}, **_REASONS}
ENGLISH: Final[Mapping[str, str]] = {key: en for key, (_, en) in _NAMES.items()}
