"""The texts of exposure, in Korean and English by the same keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

KOREAN: Final[Mapping[str, str]] = {
    "screen.exposure": "노출 금액",
    "exposure.heading": "가맹점별 노출 금액",
    "exposure.note": "{minute} 기준 · 예상 손실이 큰 순서 · {count}곳",
    "exposure.of_one": "노출 금액",
    "exposure.of_one.note": "{minute} 기준 · 상태: {state}",
    "exposure.none": "게시된 노출 금액이 아직 없습니다.",
    "exposure.none.note": "원천의 선택 쿼리 settlements 가 있으면 매분 게시됩니다.",
    "exposure.nobody": "이 상태인 가맹점이 없습니다.",
    "exposure.of_one.none": "이 가맹점의 노출 금액은 게시되지 않았습니다.",
    "exposure.unknown": "{count}곳은 정산 기록이 없어 알 수 없습니다. 합계에 들어 있지 않습니다.",
    "exposure.state": "상태",
    "exposure.state.all": "모두",
    "exposure.merchant": "가맹점",
    "exposure.through": "지급된 마지막 날",
    "exposure.to_all": "모든 가맹점",
    "merchant_state.healthy": "정상",
    "merchant_state.surge": "취소 급증",
    "merchant_state.silent": "거래 급감",
    "merchant_state.both": "급증과 급감",
    "exposure.likely": "예상 손실에 쓰인 지급 불능 확률: {said}",
    "exposure.likely.tuned": "{state} {percent} (rules.toml 조정값, 라벨 {known}건)",
    "exposure.likely.measured": "{state} {percent} (라벨 {known}건 중 {bad}건, 실측)",
    "saves.pending_payout": "지급을 보류하면 지킬 수 있는 금액",
}

ENGLISH: Final[Mapping[str, str]] = {
    "screen.exposure": "Exposure",
    "exposure.heading": "Exposure by merchant",
    "exposure.note": "at {minute} · highest expected loss first · {count}",
    "exposure.of_one": "Exposure",
    "exposure.of_one.note": "at {minute} · state: {state}",
    "exposure.none": "No exposure is published yet.",
    "exposure.none.note": "It is, each minute, where the source has the optional query settlements.",
    "exposure.nobody": "No merchant is in this state.",
    "exposure.of_one.none": "No exposure of this merchant is published.",
    "exposure.unknown": "Of {count} nothing is known: they have no payout. The sums leave them out.",
    "exposure.state": "State",
    "exposure.state.all": "all",
    "exposure.merchant": "Merchant",
    "exposure.through": "Paid out through",
    "exposure.to_all": "All merchants",
    "merchant_state.healthy": "healthy",
    "merchant_state.surge": "cancel surge",
    "merchant_state.silent": "sales vanished",
    "merchant_state.both": "surge and vanished sales",
    "exposure.likely": "Probability of not paying back, as the expected loss uses it: {said}",
    "exposure.likely.tuned": "{state} {percent} (tuned in rules.toml; {known} labelled)",
    "exposure.likely.measured": "{state} {percent} (measured: {bad} of {known} labelled)",
    "saves.pending_payout": "what a hold would keep",
}
