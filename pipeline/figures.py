"""Text and times for people, made plain: nothing in them acts on a terminal, in a chat or on the eye.

Names, ids and categories come from other people's tables. Whatever shows one passes it through `one_line`;
whatever prints passes the whole through `harmless`, so that a text nobody thought of does no harm either.
Pure.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from pipeline.minute import Span

#: A name longer than this is cut.
NAME_LENGTH: Final = 80
_BREAKS: Final = re.compile(r"[\t\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_WIDE: Final = ("W", "F")
_NO_WIDTH: Final = ("Mn", "Me", "Cf")


def one_line(text: str, longest: int = NAME_LENGTH) -> str:
    """Untrusted text as one visible line of at most `longest` characters; a cut one ends with an ellipsis."""
    line = " ".join(_without_acting(_BREAKS.sub(" ", text)).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def harmless(text: str) -> str:
    """Text of several lines without what could act on a terminal; spaces, tabs and line ends stay."""
    return "\n".join(_without_acting(line, "\t") for line in text.split("\n"))


def _without_acting(text: str, kept: str = "") -> str:
    if text.isascii() and text.isprintable():
        return text
    # The categories C: control, format (bidirectional, zero width), surrogate, private, unassigned.
    return "".join(c for c in text if c in kept or unicodedata.category(c)[0] != "C")


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
