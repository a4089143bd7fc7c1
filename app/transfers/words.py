"""What the page of the pack of transfers says, in Korean and English, by the same keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "ko": {
        "title": "이체·카드 관제",
        "number.events": "거래 수",
        "number.score": "가장 높은 점수",
        "number.amount": "합계",
    },
    "en": {
        "title": "Transfer watch",
        "number.events": "Payments",
        "number.score": "Highest score",
        "number.amount": "Together",
    },
}
