"""Seconds, shares and bytes as this screen writes them. Pure; None is not known."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from app.format import duration

if TYPE_CHECKING:
    from app.texts import Texts

_LONG_S: Final = 120
_BYTES: Final = (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3))


def seconds(value: float | None, texts: Texts) -> str:
    """6.2 s; from two minutes on 2 min 5 s."""
    if value is None:
        return texts("health.unknown")
    if value >= _LONG_S:
        return duration(timedelta(seconds=value), texts.language)
    return texts("health.seconds", number=f"{value:,.1f}")


def milliseconds(value: float | None, texts: Texts) -> str:
    """4.2 ms, 320 ms; from ten seconds on 12.3 s."""
    if value is None:
        return texts("health.unknown")
    if value >= 10_000:  # noqa: PLR2004 - four digits are enough
        return seconds(value / 1000, texts)
    return f"{value:,.1f} ms" if value < 10 else f"{value:,.0f} ms"  # noqa: PLR2004 - two digits at least


def share(part: int, whole: int, texts: Texts) -> str:
    """0.01 %; of nothing no share is known."""
    if not whole:
        return texts("health.unknown")
    hundredths = part * 10_000 // whole
    if part and not hundredths:
        return "< 0.01 %"
    return f"{hundredths / 100:,.2f} %"


def size(number: int) -> str:
    """1.2 GB."""
    for unit, of in _BYTES:
        if number >= of:
            return f"{number / of:,.1f} {unit}"
    return f"{number:,} B"
