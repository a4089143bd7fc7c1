"""The figures beside an incident's money as people are shown them, with interval and date. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pipeline.money import DATE, HIGH, LOW

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_WITH: Final = (LOW, HIGH, DATE)


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


def _amount(figures: Mapping[str, int | str | None], name: str) -> int | None:
    found = figures.get(name)
    return found if isinstance(found, int) else None


def _date(figures: Mapping[str, int | str | None], name: str) -> str | None:
    found = figures.get(name)
    return found if isinstance(found, str) else None
