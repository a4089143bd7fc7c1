"""The figures beside an incident's money as people are shown them, with interval and date. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pipeline.money import DATE, HIGH, LOW

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_WITH: Final = (LOW, HIGH, DATE)
#: So begin those of an outcome that count days; all others are amounts.
_COUNTED: Final = "cycle_"


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure by the pack's name; amounts in minor units. None: not known, or it has none."""

    name: str
    amount: int | None
    low: int | None = None
    high: int | None = None
    date: str | None = None  # ISO


def figures_of(names: Sequence[str], figures: Mapping[str, int | str | None]) -> list[Figure]:
    """The pack's figures (`names`) in order; what says more of another one stands with it."""
    said_with = {name + end for name in names for end in _WITH}
    return [
        Figure(
            name,
            _amount(figures, name),
            _amount(figures, name + LOW),
            _amount(figures, name + HIGH),
            _date(figures, name + DATE),
        )
        for name in names
        if name not in said_with
    ]


@dataclass(frozen=True, slots=True)
class Came:
    """A figure of what came of an action: an amount in minor units, or a count of days."""

    name: str
    value: int
    is_amount: bool


def came_of(outcome: Mapping[str, object], words: Mapping[str, str]) -> Iterator[Came]:
    """What is known of it and people have a word for; what else is kept there is for us."""
    for name, value in outcome.items():
        if name in words and isinstance(value, int) and not isinstance(value, bool):
            yield Came(name, value, not name.startswith(_COUNTED))


def _amount(figures: Mapping[str, int | str | None], name: str) -> int | None:
    found = figures.get(name)
    return found if isinstance(found, int) else None


def _date(figures: Mapping[str, int | str | None], name: str) -> str | None:
    found = figures.get(name)
    return found if isinstance(found, str) else None
