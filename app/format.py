"""Numbers, money and times as people read them, in Korean and English. Nothing here computes a figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pipeline import figures as plain

if TYPE_CHECKING:
    from datetime import date, datetime, timedelta
    from zoneinfo import ZoneInfo

WEEKDAYS: Final = {"ko": "월화수목금토일", "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")}
_LARGE: Final = {
    "ko": ((10**12, "조"), (10**8, "억"), (10**4, "만")),
    "en": ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "K")),
}
_UNITS: Final = {"ko": ("일", "시간", "분", "초"), "en": ("d", "h", "min", "s")}
_UNIT_SECONDS: Final = (86_400, 3_600, 60, 1)


def count(number: int) -> str:
    """1234567 as 1,234,567."""
    return f"{number:,}"


def capital(text: str) -> str:
    """The text as a heading or a sentence begins: all doors as All doors. Korean has no capital letters."""
    return text[:1].upper() + text[1:]


def won(amount: int, language: str) -> str:
    """The exact amount: 1,234,567원 or ₩1,234,567."""
    return f"{amount:,}원" if language == "ko" else f"₩{amount:,}"


def won_short(amount: int, language: str) -> str:
    """The amount at a glance, two or three digits: 12.3억원, ₩1.23B. The exact one stands next to it."""
    for size, unit in _LARGE[language]:
        if abs(amount) >= size:
            short = _three_digits(amount, size)
            return f"{short}{unit}원" if language == "ko" else f"₩{short}{unit}"
    return won(amount, language)


def moment(value: datetime, zone: ZoneInfo, *, seconds: bool = False) -> str:
    """A time in the business zone, with the zone's name: 2026-11-21 10:00 KST."""
    return plain.moment(value, zone, seconds=seconds)


def clock(value: datetime, zone: ZoneInfo, *, seconds: bool = False) -> str:
    """Month, day and time of day only, where the year and the zone are clear: 11-21 10:00."""
    return value.astimezone(zone).strftime("%m-%d %H:%M:%S" if seconds else "%m-%d %H:%M")


def time_of_day(value: datetime, zone: ZoneInfo) -> str:
    """The time of day with the zone's name: 10:00 KST."""
    local = value.astimezone(zone)
    return f"{local:%H:%M} {local.tzname() or ''}"


def day(value: date, language: str) -> str:
    """A business day: 11-21 (토)."""
    return f"{value:%m-%d} ({WEEKDAYS[language][value.weekday()]})"


def duration(span: timedelta, language: str) -> str:
    """The two largest units of a span: 2시간 5분, 3 d 4 h. Less than nothing counts as nothing."""
    left = max(0, int(span.total_seconds()))
    parts: list[str] = []
    for size, unit in zip(_UNIT_SECONDS, _UNITS[language], strict=True):
        number, left = divmod(left, size)
        if number:
            parts.append(f"{number}{unit}" if language == "ko" else f"{number} {unit}")
        elif parts:
            break
        if len(parts) == 2:  # noqa: PLR2004 - two units are as exact as a glance needs
            break
    zero = f"0{_UNITS[language][-1]}" if language == "ko" else f"0 {_UNITS[language][-1]}"
    return " ".join(parts) or zero


def _three_digits(amount: int, size: int) -> str:
    # Integers until the last step, because an amount may be past what a float holds exactly.
    hundredths = amount * 100 // size if amount >= 0 else -(-amount * 100 // size)
    whole, rest = divmod(abs(hundredths), 100)
    sign = "-" if amount < 0 else ""
    if whole >= 100 or rest == 0:  # noqa: PLR2004 - three digits are shown
        return f"{sign}{whole:,}"
    return f"{sign}{whole}.{rest:02d}".rstrip("0") if whole < 10 else f"{sign}{whole}.{rest // 10}"  # noqa: PLR2004
