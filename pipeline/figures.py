"""Text, times, money and shares for people, made plain: nothing acts on a terminal, in a chat or on the eye.

Names and ids come from other people's tables. Whatever shows one passes it through `one_line`;
whatever prints passes the whole through `harmless`, so that a text nobody thought of does no harm either.
Pure.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from pipeline.minute import Span

#: A name longer than this is cut.
NAME_LENGTH: Final = 80
#: So is a single value of a row.
WORD_LENGTH: Final = 40
_BREAKS: Final = re.compile(r"[\t\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
#: Unicode's line and paragraph separator; whatever else ends a line is a control character.
_SEPARATORS: Final = ("Zl", "Zp")
_WIDE: Final = ("W", "F")
_NO_WIDTH: Final = ("Mn", "Me", "Cf")


def one_line(text: str, longest: int = NAME_LENGTH) -> str:
    """Untrusted text as one visible line of at most `longest` characters; a cut one ends with an ellipsis."""
    line = " ".join(_without_acting(_BREAKS.sub(" ", text)).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def plain(value: object) -> str:
    """A value of the source as it may stand in a text for people."""
    return "NULL" if value is None else one_line(str(value), WORD_LENGTH)


def harmless(text: str) -> str:
    """Text of several lines without what could act on a terminal; spaces, tabs and line ends stay."""
    return "\n".join(_without_acting(line, "\t") for line in text.split("\n"))


def _without_acting(text: str, kept: str = "") -> str:
    if text.isascii() and text.isprintable():
        return text
    return "".join(c for c in text if c in kept or not _acts(c))


def _acts(character: str) -> bool:
    kind = unicodedata.category(character)
    # The categories C: control, format (bidirectional, zero width), surrogate, private, unassigned.
    return kind[0] == "C" or kind in _SEPARATORS


def width(text: str) -> int:
    """How many columns of a terminal the text takes: a Korean letter two, an accent of its own none."""
    if text.isascii():
        return len(text)
    return sum(_columns(c) for c in text)


def _columns(character: str) -> int:
    # Vowels and final consonants of a Hangul syllable written in pieces are drawn into its first.
    if unicodedata.category(character) in _NO_WIDTH or "\u1160" <= character <= "\u11ff":
        return 0
    return 2 if unicodedata.east_asian_width(character) in _WIDE else 1


def fit(text: str, columns: int) -> str:
    """The text cut to a number of columns; what is cut ends with an ellipsis."""
    if width(text) <= columns:
        return text
    kept, left = "", columns - 1
    for character in text:
        left -= _columns(character)
        if left < 0:
            break
        kept += character
    return kept.rstrip() + "…"


def pad(text: str, columns: int) -> str:
    """The text with spaces behind it up to a number of columns."""
    return text + " " * (columns - width(text))


def moment(value: datetime, zone: ZoneInfo, *, seconds: bool = False) -> str:
    """A time in the business zone, with the zone's name: 2026-11-21 10:00 KST."""
    local = value.astimezone(zone)
    # A zone without letters calls itself +03: say that it is an offset.
    name = re.sub(r"^(?=[+-])", "UTC", local.tzname() or "")
    return local.strftime("%Y-%m-%d %H:%M:%S " if seconds else "%Y-%m-%d %H:%M ") + name


def span_text(span: Span, zone: ZoneInfo) -> str:
    """A span in the business zone: 2026-11-21 10:00 KST to 2026-11-21 11:00 KST."""
    return f"{moment(span.start, zone)} to {moment(span.end, zone)}"


def clean(text: str, longest: int = NAME_LENGTH) -> str:
    """Untrusted text made harmless for a code span: one visible line, no back-tick, cut, escaped."""
    return escape(one_line(text.replace("`", ""), longest))


def escape(text: str) -> str:
    """Text in which Slack finds no mention, link or channel."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def unescape(text: str) -> str:
    """The inverse of `escape`, for a terminal."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def money(amount: int, language: str) -> str:
    """An amount exactly, in Korean also as people say it: 1,234,567,890원 (약 12억 3,456만원)."""
    if language != "ko" or abs(amount) < 10_000:  # noqa: PLR2004 - 만, the first unit
        return exact_money(amount, language)
    return f"{exact_money(amount, language)} ({_korean_units(amount)}원)"


def exact_money(amount: int, language: str) -> str:
    """An amount exactly and no more: 1,234,567,890원 or KRW 1,234,567,890."""
    return f"{amount:,}원" if language == "ko" else f"KRW {amount:,}"


def _korean_units(amount: int) -> str:
    left, parts, sign = abs(amount), list[str](), "-" if amount < 0 else ""
    for size, unit in ((10**12, "조"), (10**8, "억"), (10**4, "만")):
        whole, left_after = divmod(left, size)
        if len(parts) == 2:  # noqa: PLR2004 - two units are as much as anybody reads
            break
        if whole:
            parts.append(f"{whole:,}{unit}")
        elif parts:
            parts.append("")  # 1조 0억: the second unit is used up
        left = left_after
    return ("약 " if left else "") + sign + " ".join(p for p in parts if p)


def duration_text(length: timedelta, language: str) -> str:
    """A duration in its two largest units, in whole minutes."""
    minutes = length // timedelta(minutes=1)
    units = (("일", " d", minutes // 1440), ("시간", " h", minutes // 60 % 24), ("분", " min", minutes % 60))
    named = [f"{n}{ko if language == 'ko' else en}" for ko, en, n in units if n][:2]
    return " ".join(named) or ("0분" if language == "ko" else "0 min")


def tenths(numerator: int, denominator: int) -> str | None:
    """The quotient cut to one decimal, in integers; None where there is none."""
    if denominator <= 0:
        return None
    cut = 10 * numerator // denominator
    return f"{cut // 10:,}.{cut % 10}"


def percent(part: int, whole: int, unknown: str) -> str:
    """A share cut to a tenth of a percent, never rounded up to a threshold; `unknown` where there is none."""
    shown = tenths(100 * part, whole)
    return unknown if shown is None else f"{shown}%"
