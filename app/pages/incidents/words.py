"""The texts of this screen, in Korean and English by the same keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

KOREAN: Final[Mapping[str, str]] = {
    "screen.incidents": "사건",
}

ENGLISH: Final[Mapping[str, str]] = {
    "screen.incidents": "Incidents",
}
