"""Numbers of rules, and times of versions, as people read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from app.format import count, moment
from baselines.edit import shown
from pipeline.minute import EPOCH

if TYPE_CHECKING:
    from datetime import datetime

    from app.pages.rules.numbers import Number
    from app.reads import Page
    from app.texts import Texts
    from baselines.edit import Path

_UNITS: Final = {"minutes": "unit.minutes", "days": "unit.days", "percent": "unit.percent"}
_WHAT: Final = "about"


def value_of(number: Number, texts: Texts) -> str:
    """With its unit: 5 분, 1,000,000,000 원; a word as it is."""
    said = plain_value(number.value)
    if not isinstance(number.value, int):
        return said
    key = f"unit.{number.key}"
    own = texts.word("unit", number.key) if key in texts.own else ""
    unit = own or (texts(_UNITS[number.unit]) if number.unit else "")
    return f"{said} {unit}".rstrip()


def plain_value(value: int | str | None) -> str:
    """Without a unit."""
    return count(value) if isinstance(value, int) else value or ""


def name_of(path: str, texts: Texts) -> str:
    """What a number is called; its path where nobody has named it."""
    return texts.word("tuned", path)


def name_of_path(path: Path, texts: Texts) -> str:
    """The same of the path of a difference, also of a number that is somebody's own."""
    if path[0] != "own":
        return name_of(shown(path), texts)
    kind = texts.word("own", path[1])
    return f"{kind} {path[2]} · {name_of(shown(path[3:]), texts)}"


def why_of(number: Number, texts: Texts) -> str:
    """The reason in the reader's language where the pack has it, else as it is written in the text."""
    said = texts.word("why", number.path)
    return number.why if said == number.path else said


def about(name: str, texts: Texts) -> str:
    """A sentence on a rule, or on a section; empty where the pack has none."""
    said = texts.word(_WHAT, name)
    return "" if said == name else said


def since(page: Page, at: datetime | None) -> str:
    """From when on a version is in force."""
    if at is None:
        return "–"
    return page.texts("rules.from_start") if at == EPOCH else moment(at, page.zone)
