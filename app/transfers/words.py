"""What the page of the pack of transfers says, in both languages by the same keys; screens have their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.transfers.daily import words as daily
from app.transfers.event_rules import words as event_rules
from app.transfers.feed import words as feed
from app.transfers.lists import words as lists

if TYPE_CHECKING:
    from collections.abc import Mapping

_SCREENS: Final = (feed, event_rules, lists, daily)

KOREAN: Final[Mapping[str, str]] = {
    **{key: text for screen in _SCREENS for key, text in screen.KOREAN.items()},
    "title": "이체·카드 관제",
    "number.events": "거래 수",
    "number.score": "가장 높은 점수",
    "number.amount": "합계",
}

ENGLISH: Final[Mapping[str, str]] = {
    **{key: text for screen in _SCREENS for key, text in screen.ENGLISH.items()},
    "title": "Transfer watch",
    "number.events": "Payments",
    "number.score": "Highest score",
    "number.amount": "Together",
}

WORDS: Final[Mapping[str, Mapping[str, str]]] = {"ko": KOREAN, "en": ENGLISH}
