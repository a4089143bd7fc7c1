"""The learned score at the desk: why it stays off, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

LEARNED: Final[Mapping[str, str]] = {
    "the learned score {version} stays off: {reason}": "학습된 점수 {version}은(는) 쓸 수 없습니다: {reason}",
    "report more outcomes, then learn it anew": "결과를 더 알린 뒤 다시 학습하세요",
    "nothing was learned yet": "아직 학습된 것이 없습니다",
    "too few frauds are labelled": "알려진 사기가 너무 적습니다",
    "it beats neither the amount alone nor the rules": "금액만 본 것보다도 규칙보다도 낫지 않습니다",
    "it does not beat the amount alone": "금액만 본 것보다 낫지 않습니다",
    "it does not beat the rules": "규칙보다 낫지 않습니다",
    "learn it anew by an account": "계정으로 다시 학습하세요",
    "see `minuterisk learned list`": "`minuterisk learned list`에서 확인하세요",
    "the learned score {version} is not what was seen: {seen} became {kept}": (
        "학습된 점수 {version}은(는) 확인한 내용과 다릅니다: {seen}이(가) {kept}(으)로 바뀌었습니다"
    ),
}
