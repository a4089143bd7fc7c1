"""Names of people in a report, which goes from hand to hand: their shape unless asked for. Pure."""

from __future__ import annotations

from typing import Final

_LETTER, _DIGIT = "x", "0"
#: What stands in place of a text that somebody wrote: it may name people, and has no shape worth showing.
LEFT_OUT: Final = "…"


def shape(name: str | None) -> str | None:
    """A name as it is masked everywhere: each letter is x, each digit 0."""
    if name is None:
        return None
    return "".join(_LETTER if c.isalpha() else _DIGIT if c.isdigit() else c for c in name)


def person(name: str | None, *, named: bool) -> str | None:
    """Somebody's name, masked unless `named`."""
    return name if named else shape(name)


def written(text: str, *, named: bool) -> str:
    """What somebody wrote, left out unless `named`."""
    return text if named else LEFT_OUT
